"""The notebooks of the documentation run from top to bottom; what they assert holds."""

from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_run(name, tmp_path):
    from nbclient import NotebookClient

    book = nbformat.read(FOLDER / name, as_version=4)
    NotebookClient(book, timeout=1200, resources={"metadata": {"path": str(tmp_path)}}).execute()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_assert_something_and_are_small(name):
    book = nbformat.read(FOLDER / name, as_version=4)
    assert any("assert " in cell.source for cell in book.cells)
    assert (FOLDER / name).stat().st_size < 300_000


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_have_their_figures_as_images(name):
    """`od.plot` draws without pyplot, by which IPython otherwise knows that figures are images."""
    book = nbformat.read(FOLDER / name, as_version=4)
    drawing = [cell for cell in book.cells if "od.plot(" in cell.source]
    for cell in drawing:
        assert any("image/png" in output.get("data", {}) for output in cell.outputs), cell.source
