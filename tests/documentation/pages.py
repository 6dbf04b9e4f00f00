"""The pages of the documentation, and what is in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Tables that the pipeline and the tester of mutants write.
WRITTEN = ("overview", "runs", "panels", "closeness", "mutants")
#: Every page that a person wrote.
PAGES = sorted(
    path
    for path in [
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "README.md",
        ROOT / "config" / "README.md",
        ROOT / "profiles" / "README.md",
    ]
    if path.parent.name not in ("accuracy", "benchmarks") and path.stem not in WRITTEN
)
#: Those that are made for readers who begin.
TAUGHT = [
    path
    for path in PAGES
    if path.parent.name == "theory"
    or path.stem in ("index", "start", "when", "settings", "gallery", "replication", "cite")
]
COMMAND = re.compile(r"^\s*(make|opentdvp|snakemake)\s+(.*?)\s*(?:#.*)?$")


def name(path):
    return str(path.relative_to(ROOT))


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)


def commands(path):
    """Lines of code blocks, and code in the text, that begin with one of our commands."""
    text = re.sub(r"^```(yaml|python|bibtex)\n.*?^```", "", path.read_text(), flags=re.M | re.S)
    fenced = [
        line
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
        for line in block.splitlines()
    ]
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    found = [COMMAND.match(line) for line in [*fenced, *inline]]
    return [(match[1], match[2].split()) for match in found if match]
