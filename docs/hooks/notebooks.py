"""The notebooks as pages, with what they printed and drew when they ran."""

import re
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter

FOLDER = Path(__file__).parents[1] / "notebooks"
PICTURE = re.compile(r"!\[[^\]]*\]\((output_(\d+)_\d+\.png)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each notebook, and its pictures beside it.

    The alternative text of a picture is in the metadata of its cell.
    """
    for path in sorted(FOLDER.glob("*.ipynb")):
        book = nbformat.read(path, as_version=4)
        text, resources = MarkdownExporter().from_notebook_node(book)

        def described(found: re.Match[str], book=book, stem=path.stem) -> str:
            return f"![{book.cells[int(found[2])].metadata['alt']}]({stem}_{found[1]})"

        source = f'<a href="{path.name}" download>This page as a notebook</a>'
        text = f"{PICTURE.sub(described, text)}\n{source}\n"
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=text))
        for name, content in resources["outputs"].items():
            uri = f"notebooks/{path.stem}_{name}"
            files.append(File.generated(config, uri, content=content))
    return files
