from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image
from solvers import tdvp
from trajectories import damped

from opentdvp.errors import ConfigError, FileError
from opentdvp.figures import style

ORIGINS = style.origins([damped(solver=tdvp()), damped(revision="c" * 40)])


def simple() -> Figure:
    with style.context():
        figure = Figure(figsize=(2, 1.5), layout="constrained")
        figure.subplots().plot([0, 1], [0, 1], label="text $N = 6$")
        figure.axes[0].legend()
        style.settle(figure)
    return figure


@pytest.mark.parametrize("suffix", [".pdf", ".png", ".svg"])
def test_equal_figures_give_equal_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    first, second, third = (tmp_path / f"{name}{suffix}" for name in "abc")
    figure = simple()
    style.save(figure, first, ORIGINS)
    style.save(figure, second, ORIGINS)
    # Neither must a date, which matplotlib would take from here.
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    style.save(simple(), third, ORIGINS)
    assert first.read_bytes() == second.read_bytes() == third.read_bytes()


def test_metadata_holds_ids_and_revisions(tmp_path: Path) -> None:
    for suffix in (".pdf", ".png"):
        style.save(simple(), tmp_path / f"figure{suffix}", ORIGINS)
    with Image.open(tmp_path / "figure.png") as image:
        png = image.text["Keywords"]  # type: ignore[attr-defined]
    pdf = (tmp_path / "figure.pdf").read_bytes().decode("latin-1")
    for run, role in ((damped(solver=tdvp()), "run1"), (damped(), "run2")):
        assert f"{role}.run_id={run.run_id}" in png
        assert f"{role}.run_id={run.run_id}" in pdf
    assert f"run1.revision={'a' * 40}" in png
    assert f"run2.revision={'c' * 40}" in pdf


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^`path` must end in \.pdf, \.png, \.svg, but is "):
        style.save(simple(), tmp_path / "figure.jpg", {})
    assert list(tmp_path.iterdir()) == []


def test_unwritable_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="Cannot write"):
        style.save(simple(), tmp_path / "file" / "figure.pdf", {})


def test_style_ignores_and_keeps_the_settings_around_it() -> None:
    with mpl.rc_context({"font.size": 30, "axes.grid": True}):
        with style.context():
            assert mpl.rcParams["font.size"] == style.RC_PARAMS["font.size"]
            assert not mpl.rcParams["axes.grid"]
        assert mpl.rcParams["font.size"] == 30
        assert mpl.rcParams["axes.grid"]


def test_colors_differ_in_grey() -> None:
    weights = (0.299, 0.587, 0.114)
    shades = sorted(float(np.dot(weights, to_rgb(color))) for color in style.COLORS.values())
    assert min(b - a for a, b in pairwise(shades)) > 0.15
    assert shades[-1] < 0.75


def test_every_correlator_has_a_look_of_its_own() -> None:
    looks = {style.curve_style(a + b) for a in "XYZ" for b in "XYZ"}
    assert len(looks) == 9
    assert style.curve_style("XX") == style.curve_style("X")
    assert style.curve_style("X").dashes == "solid"


@pytest.mark.parametrize("count", [1, 2, 6])
def test_lines_of_a_series_differ_and_end_in_black(count: int) -> None:
    *others, last = style.series(count)
    assert len(others) == count - 1
    assert (last["color"], last["linestyle"]) == (style.INK, "solid")
    weights = (0.299, 0.587, 0.114)
    shades = [float(np.dot(weights, to_rgb(line["color"]))) for line in others]
    assert all(a - b > 0.05 for a, b in pairwise(shades))
