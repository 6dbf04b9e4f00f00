"""The look of all figures, and how they are saved."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from opentdvp.errors import ConfigError
from opentdvp.records.files import replacing
from opentdvp.records.trajectory import Trajectory

#: Width in inches of two panels side by side: two columns of the journal.
FULL_WIDTH = 7.0

#: Both come with matplotlib, so that every machine draws the same; the second has more characters.
FONTS = ("STIXGeneral", "DejaVu Sans")

RC_PARAMS: dict[str, object] = {
    "font.family": list(FONTS),
    "mathtext.fontset": "stix",
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8.5,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.6,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.2,
    "legend.borderpad": 0,
    "legend.borderaxespad": 0.3,
    "axes.titlepad": 4,
    "axes.xmargin": 0.015,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": True,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
    "figure.constrained_layout.hspace": 0.0,
    "figure.constrained_layout.wspace": 0.04,
    "savefig.dpi": 300,
    # Text stays text, and equal figures give equal bytes.
    "pdf.fonttype": 42,
    "svg.hashsalt": "opentdvp",
}

#: What would put the time of drawing into a file, by format.
UNDATED: dict[str, dict[str, str | None]] = {
    ".pdf": {"CreationDate": None},
    ".png": {},
    ".svg": {"Date": None},
}

#: Of marks, error bars and text.
INK = "#222222"

#: Of the smallest text, in points.
SMALL = 7


#: Values of a line that are no more than this are marked, for one alone draws no line.
FEW = 5


def dots(count: int) -> dict[str, Any]:
    """Look of a line through so many values."""
    return {"marker": "."} if count <= FEW else {}


@dataclass(frozen=True)
class CurveStyle:
    """Line and band of a run, and the marks of its reference."""

    color: str
    marker: str
    dashes: str

    @property
    def line(self) -> dict[str, Any]:
        """Of the run."""
        return {"color": self.color, "linestyle": self.dashes}

    @property
    def band(self) -> dict[str, Any]:
        """Of ± one standard error around the line."""
        return {"color": self.color, "alpha": 0.35, "linewidth": 0}

    @property
    def mark(self) -> dict[str, Any]:
        """Of the reference: dark and hollow, so that it stands out from every line."""
        return {
            "marker": self.marker,
            "linestyle": "none",
            "color": INK,
            "markerfacecolor": "white",
            "markeredgewidth": 0.7,
        }


# Paul Tol's high-contrast scheme: safe for colour-blind readers; dark, medium and light in grey.
COLORS = {"X": "#004488", "Y": "#BB5566", "Z": "#DDAA33"}
MARKERS = {"X": "o", "Y": "s", "Z": "^"}
DASHES = ("solid", "dashed", "dotted")

#: Of the line through all values of a reference; below the candidate's, so that it shows only where
#: they differ.
REFERENCE: dict[str, Any] = {"color": INK, "linewidth": 0.6, "zorder": 1.9}

#: Of runs that are neither judged nor judge; they take the colour of their curve.
CROSS: dict[str, Any] = {
    "marker": "x",
    "linestyle": "none",
    "color": INK,
    "markersize": 3.2,
    "markeredgewidth": 0.9,
}

#: The same of several such runs.
CROSSES = tuple(CROSS | {"marker": marker} for marker in "x+1")


def series(count: int) -> list[dict[str, Any]]:
    """Lines of several runs of the same quantity: light to dark, the last one solid and black."""
    shades = mpl.colormaps["cividis_r"](np.linspace(0.1, 0.85, max(count - 1, 1)))
    dashes = ("dashed", "dashdot", "dotted")
    lines = [
        {"color": shade, "linestyle": dashes[k % 3], "linewidth": 1.4}
        for k, shade in enumerate(shades[: count - 1])
    ]
    return [*lines, {"color": INK, "linestyle": "solid"}]


#: A line to compare with, such as zero.
GUIDE: dict[str, Any] = {"color": "#999999", "linewidth": 0.6, "zorder": 0}


def curve_style(observable: str) -> CurveStyle:
    """Style by axes: X, or C_XX for a correlator of equal ones, drawn alike."""
    axes = observable.removeprefix("C_")
    order = "XYZ"
    dashes = DASHES[(order.index(axes[-1]) - order.index(axes[0])) % 3]
    return CurveStyle(COLORS[axes[0]], MARKERS[axes[0]], dashes)


#: Of the same observable in several systems, or by several solvers.
CURVES = tuple(
    CurveStyle(COLORS[axis], MARKERS[axis], dashes) for dashes in DASHES[:2] for axis in "XYZ"
)


def symbol(observable: str) -> str:
    """Of a magnetisation or a correlator, in labels."""
    pair = observable.removeprefix("C_")
    return f"$C_{{{pair}}}$" if pair != observable else rf"$\langle {observable} \rangle$"


def context() -> AbstractContextManager[None]:
    """Draw in this style, whatever the user's own settings of matplotlib are."""
    return matplotlib.style.context(["default", RC_PARAMS])


def foot(figure: Figure, text: str) -> None:
    """Write below a figure what its legend has no room for, below what is there already."""
    lines = "\n".join(filter(None, (figure.get_supxlabel(), text)))
    figure.supxlabel(lines, fontsize=SMALL, x=0.99, ha="right", color=INK)


def settle(figure: Figure) -> None:
    """Lay a figure out for good: otherwise each saving moves its axes a little, and files differ.

    The second pass sees the tick labels that the first one has chosen.
    """
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        engine.execute(figure)
    figure.set_layout_engine("none")


def save(figure: Figure, path: Path, metadata: Mapping[str, str]) -> None:
    """Save a figure as PDF, PNG or SVG, by the suffix of `path`; equal figures give equal bytes.

    Parameters
    ----------
    figure
        What a `draw` function returned.
    path
        Holds the complete file afterwards, or is left as it was.
    metadata
        What made the figure, see `origins`; stored as the file's keywords.

    Raises
    ------
    ConfigError
        If the suffix is another one.
    FileError
        If the file cannot be written.
    """
    if path.suffix not in UNDATED:
        raise ConfigError(f"`path` must end in {', '.join(UNDATED)}, but is {path}.")
    keywords = " ".join(f"{key}={value}" for key, value in metadata.items())
    with context(), replacing(path) as temporary:
        figure.savefig(temporary, metadata={"Keywords": keywords} | UNDATED[path.suffix])


def origins(runs: Sequence[Trajectory]) -> dict[str, str]:
    """Run ids and git revisions of the runs in a figure, by their order."""
    return {
        f"run{number}.{key}": value
        for number, run in enumerate(runs, start=1)
        for key, value in (("run_id", run.run_id), ("revision", run.provenance["revision"]))
    }


def run_ids(keywords: str) -> list[str]:
    """The run ids in the keywords of a saved figure, by their order."""
    pairs = (entry.partition("=") for entry in keywords.split())
    return [value for key, _, value in pairs if key.endswith(".run_id")]
