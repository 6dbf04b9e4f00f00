"""A line below a figure that names the runs of it which were not computed here."""

from collections import Counter

from matplotlib.figure import Figure

from opentdvp.figures import style
from opentdvp.figures.sources import Material

SIZE = 7  # points
#: Names side by side.
NAMES_ACROSS = 3


def note_copies(canvas: Figure, material: Material) -> None:
    """Write below a figure that was laid out which of its runs are from the archive, if any are.

    The figure keeps its size, and what it shows moves up a little.
    """
    text = _words(material)
    if not text:
        return
    with style.context():
        canvas.supxlabel(text, fontsize=SIZE, x=0.99, ha="right", color=style.INK)
        canvas.set_layout_engine("constrained")
        style.settle(canvas)


def _words(material: Material) -> str:
    """Names as in legends; where only some runs of a name are copies, how many."""
    everyone = Counter(map(style.name, material.runs.values()))
    copies = Counter(
        style.name(run) for name, run in material.runs.items() if name in material.copies
    )
    names = [
        name if count == everyone[name] else f"{name} ({count} of {everyone[name]})"
        for name, count in copies.items()
    ]
    lines = [names[first : first + NAMES_ACROSS] for first in range(0, len(names), NAMES_ACROSS)]
    said = ";\n".join("; ".join(line) for line in lines)
    return f"From the archive, not computed here: {said}" if said else ""
