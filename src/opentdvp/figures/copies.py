"""A line below a figure that names the runs of it which were not computed here."""

import re
import textwrap
from collections import Counter, defaultdict

from matplotlib.figure import Figure

from opentdvp.figures import names, style
from opentdvp.figures.sources import Material

#: Characters side by side that fit below a figure of full width.
ACROSS = 130


def note_copies(canvas: Figure, material: Material) -> None:
    """Write below a figure that was laid out which of its runs are from the archive, if any are.

    The figure keeps its size, and what it shows moves up a little.
    """
    text = _words(material)
    if not text:
        return
    with style.context():
        style.foot(canvas, text)
        canvas.set_layout_engine("constrained")
        style.settle(canvas)


def _words(material: Material) -> str:
    """Names as in legends; where only some runs of a name are copies, how many and by what."""
    named = {run: names.name(loaded) for run, loaded in material.runs.items()}
    everyone, copies = Counter(named.values()), defaultdict(list)
    for run, name in named.items():
        if run in material.copies:
            copies[name].append(run.solver)
    if not copies:
        return ""
    said = [
        name if len(solvers) == everyone[name] else f"{name} ({_some(solvers, everyone[name])})"
        for name, solvers in copies.items()
    ]
    if len(said) > 1 and len(named) == sum(map(len, copies.values())):
        said = ["all runs"]
    return _wrapped(f"From the archive, not computed here: {'; '.join(said)}")


def _wrapped(text: str) -> str:
    """Lines that fit; formulas stay whole."""
    glued = re.sub(r"\$[^$]*\$", lambda formula: formula[0].replace(" ", "\0"), text)
    lines = textwrap.wrap(glued, ACROSS, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace("\0", " ")


def _some(solvers: list[str], count: int) -> str:
    return f"{len(solvers)} of {count}: {', '.join(dict.fromkeys(solvers))}"
