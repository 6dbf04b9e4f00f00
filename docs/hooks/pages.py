"""Pages that are made from the repository: references, and files that other pages link to."""

import ast
import posixpath
import re
import subprocess
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))
import schema

ROOT = Path(__file__).parents[2]
#: Pages that are files of the repository outside docs/.
ELSEWHERE = {"configuration.md": "config/README.md"}
LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?(\))")
LANGUAGES = {
    **dict.fromkeys((".yaml", ".yml", ".cff"), "yaml"),
    **{".py": "python", ".toml": "toml", ".json": "json", ".smk": "python"},
}
#: What the reference of Python describes where there is no `opentdvp.interface`.
MODULES = (
    "opentdvp.config.load",
    "opentdvp.engine.ansatz.autoregressive.Autoregressive",
    "opentdvp.engine.ansatz.energy.network.EnergyNetwork",
    "opentdvp.records.trajectory",
    "opentdvp.errors",
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    made = {uri: (ROOT / path).read_text() for uri, path in ELSEWHERE.items()}
    made["reference/configuration.md"] = schema.page(ROOT)
    made["reference/commands.md"] = commands()
    made["reference/python.md"] = python()
    for uri, text in made.items():
        files.append(File.generated(config, uri, content=text))
    pages = [file for file in files if file.src_uri.endswith(".md")]
    for path in sorted(set().union(*map(_linked, pages)) - set(ELSEWHERE.values())):
        files.append(File.generated(config, f"repository/{path}.md", content=_source(path)))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: object) -> str:
    """Lead links to files of the repository to the pages that show them."""
    uri = page.file.src_uri
    if uri.startswith(("repository/", "reference/")):
        return markdown

    def led(found: re.Match[str]) -> str:
        there = _uri(_path(uri, found[2]))
        target = posixpath.relpath(there, posixpath.dirname(uri) or ".")
        return f"{found[1]}{target}{found[3] or ''}{found[4]}"

    return LINK.sub(led, markdown)


def commands() -> str:
    """The command line, as Typer writes it down; `typer` is that of opentdvp's environment."""
    told = ("typer", "opentdvp.cli", "utils", "docs", "--name", "opentdvp")
    text = subprocess.run(told, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return "# Command line\n\nMade from the commands themselves.\n" + text.split("\n", 1)[1]


def python() -> str:
    """The functions and classes of `import opentdvp as od`, or else what own code may rely on."""
    interface = ROOT / "src" / "opentdvp" / "interface" / "__init__.py"
    names = MODULES
    if interface.exists():
        names = tuple(f"opentdvp.interface.{name}" for name in _exported(interface))
    blocks = "".join(f"\n::: {name}\n" for name in names)
    return f"# Python\n\nMade from the docstrings.\n{blocks}"


def _exported(module: Path) -> list[str]:
    for line in ast.parse(module.read_text()).body:
        if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") == "__all__":
            return ast.literal_eval(line.value)
    return []


def _path(uri: str, target: str) -> str:
    """What a link of a page leads to, seen from the root of the repository."""
    page = ELSEWHERE.get(uri, f"docs/{uri}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), target))


def _uri(path: str) -> str:
    """The page, or picture, that shows a file of the repository."""
    pages = {elsewhere: uri for uri, elsewhere in ELSEWHERE.items()}
    if path.startswith("docs/"):
        return re.sub(r"\.ipynb$", ".md", path.removeprefix("docs/"))
    return pages.get(path) or (f"repository/{path}.md" if (ROOT / path).is_file() else path)


def _linked(page: File) -> set[str]:
    if page.src_uri.startswith("reference/"):
        return set()
    paths = {_path(page.src_uri, found[2]) for found in LINK.finditer(page.content_string)}
    return {path for path in paths if not path.startswith("docs/") and (ROOT / path).is_file()}


def _source(path: str) -> str:
    """A page with the text of a file."""
    language = LANGUAGES.get(Path(path).suffix, "text")
    return (
        f"---\nsearch: {{exclude: true}}\nhide: [toc]\n---\n# {path}\n\n"
        f"````{language}\n{(ROOT / path).read_text()}\n````\n"
    )
