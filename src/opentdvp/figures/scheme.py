"""The method in one picture (as paper, Fig. 1), with the POVM's own tetrahedron.

Lengths are in inches, except around the Bloch sphere, whose radius is 1.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse, FancyArrowPatch, FancyBboxPatch, Polygon
from matplotlib.path import Path
from numpy.typing import ArrayLike

from opentdvp.config import SchemeFigure
from opentdvp.figures import style
from opentdvp.figures.sources import Material
from opentdvp.physics.spin import TETRAHEDRA

LINDBLAD = (
    r"$\dot\rho = -i\,[H, \rho]$",
    r"$+\,\gamma\,\sum_i \left(L_i \rho L_i^\dagger - \frac{1}{2}\{L_i^\dagger L_i, \rho\}\right)$",
)
POVM = (
    r"$M^a = (1 + \mathbf{s}^a\!\cdot\boldsymbol{\sigma})\,/\,4$",
    r"$P^\mathbf{a} = \mathrm{tr}\,(\rho\,M^{a_1}\otimes\cdots\otimes M^{a_N})$",
)
NETWORK = (
    r"$P_\theta(\mathbf{a}) = \prod_i\, p_\theta(a_i\!\mid\!a_{\!<\!i})$",
    r"$O_k(\mathbf{a}) = \partial\, \ln P_\theta(\mathbf{a})\,/\,\partial \theta_k$",
)
STATES = ("$h_1$", "$h_2$", r"$h_{N\!-\!1}$")
AVERAGE = r"$\langle AB\rangle_\mathrm{c} = \mathrm{cov}(A, B)$ for $\mathbf{a} \sim P_\theta$"
EXACT = (
    r"$\dot P^{\,\mathbf{a}} = \sum_\mathbf{b}\, L^\mathbf{ab} P^\mathbf{b}$",
    r"$E(\mathbf{a}) = \dot P^{\,\mathbf{a}} / P^\mathbf{a}$",
)
PROJECTED = (
    r"$S\,\dot\theta = F$",
    r"$S_{kk'} = \langle O_k O_{k'}\rangle_\mathrm{c}, \;\;F_k = \langle O_k E\rangle_\mathrm{c}$",
)

HEIGHT = 3.2
#: Of the middle of the pictures, and of the two lines below them.
PICTURE = 2.34
LINES = (1.58, 1.31)
#: Of arrows between panels, which leave a gap at both ends, and inside them.
BETWEEN: dict[str, Any] = {"linewidth": 1.6, "mutation_scale": 11}
GAP = 0.04
INSIDE: dict[str, Any] = {"color": style.INK, "linewidth": 0.9, "mutation_scale": 7}

#: Angles of the spins on the ring against the vertical, in degrees; they dodge the waves.
TILTS = (10, -25, 155, 15, -15, 190)
#: Longitude and latitude from which both tetrahedra show all their vertices well apart.
VIEW = np.deg2rad([-22, 15])
#: Lengths of the axes x, y, z: x is foreshortened most, and on z there may be a vertex.
AXES = (1.5, 1.22, 1.34)
#: Half the width of the axes around the Bloch sphere, and the whole in inches.
REACH, SIZE = 1.5, 1.45
#: Of the cells: half their width, and how far above and below their middle the arrows reach.
HALF, STEM = 0.15, 0.36


class Box(NamedTuple):
    """A panel."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def middle(self) -> float:
        """From left to right."""
        return (self.left + self.right) / 2


STATE = Box(0.06, 1.13, 2.1, 3.14)
OUTCOMES = Box(2.42, 1.13, 4.16, 3.14)
RECURRENT = Box(4.48, 1.13, 6.94, 3.14)
PRINCIPLE = Box(0.06, 0.06, 6.94, 0.79)


def draw(figure: SchemeFigure, material: Material) -> Figure:
    """Draw (a) the density matrix, (b) its POVM, (c) the network, (d) what moves the network.

    Returns
    -------
    matplotlib.figure.Figure
        Its axes, the whole page; the Bloch sphere is an inset.
    """
    with style.context():
        canvas = Figure(figsize=(style.FULL_WIDTH, HEIGHT))
        page = canvas.add_axes((0, 0, 1, 1), xlim=(0, style.FULL_WIDTH), ylim=(0, HEIGHT))
        page.set_axis_off()
        _draw_state(page)
        _draw_povm(page, TETRAHEDRA[figure.povm])
        _draw_network(page)
        _draw_principle(page)
        _draw_links(page)
        style.settle(canvas)
    return canvas


def project(vectors: np.ndarray) -> np.ndarray:
    """Right, up and towards the viewer, of vectors of shape (..., 3); without perspective."""
    (x, z), (y, height) = np.cos(VIEW), np.sin(VIEW)
    right = [-y, x, 0]
    up = [-height * x, -height * y, z]
    towards = [z * x, z * y, height]
    return vectors @ np.transpose([right, up, towards])


def _arrow(axes: Axes, points: ArrayLike, head: str = "-|>", **look: Any) -> None:
    """Along points, up to the last one."""
    axes.add_patch(FancyArrowPatch(path=Path(points), arrowstyle=head, **INSIDE | look))


def _rounded(page: Axes, box: Box, radius: float, **look: Any) -> None:
    size = box.right - box.left, box.top - box.bottom
    corners = f"round,pad=0,rounding_size={radius}"
    page.add_patch(FancyBboxPatch((box.left, box.bottom), *size, boxstyle=corners, **look))


def _frame(page: Axes, box: Box, title: str) -> None:
    _rounded(page, box, 0.08, facecolor="none", edgecolor=style.GUIDE["color"], linewidth=0.6)
    page.text(box.left + 0.09, box.top - 0.19, title)


def _write(page: Axes, x: float, lines: Sequence[str], heights: Sequence[float]) -> None:
    for line, y in zip(lines, heights, strict=True):
        page.text(x, y, line, ha="center")


def _draw_links(page: Axes) -> None:
    for left, right in ((STATE, OUTCOMES), (OUTCOMES, RECURRENT)):
        ends = (left.right + GAP, PICTURE), (right.left - GAP, PICTURE)
        _arrow(page, ends, "<|-|>", **BETWEEN)
    down, up, low, high = OUTCOMES.middle, RECURRENT.middle, PRINCIPLE.top, STATE.bottom
    _arrow(page, [(down, high - GAP), (down, low + GAP)], **BETWEEN)
    _arrow(page, [(up, low + GAP), (up, high - GAP)], **BETWEEN)
    page.text(up + 0.1, (low + high) / 2, r"$\dot\theta$", va="center")


def _draw_state(page: Axes) -> None:
    """Spins on a ring, each with its own decay."""
    _frame(page, STATE, "(a) density matrix")
    centre, radii = np.array([STATE.middle, PICTURE]), np.array([0.56, 0.27])
    page.add_patch(Ellipse(tuple(centre), *(2 * radii), facecolor="none", edgecolor=style.INK))
    angles = np.linspace(0, 2 * np.pi, len(TILTS), endpoint=False)
    for angle, tilt in zip(angles, np.deg2rad(TILTS), strict=True):
        outwards = radii * [np.cos(angle), np.sin(angle)]
        site = centre + outwards
        _draw_decay(page, site, outwards / np.hypot(*outwards))
        half = 0.2 * np.array([np.sin(tilt), np.cos(tilt)])
        _arrow(page, [site - half, site + half], color=style.COLORS["X"], linewidth=1.6)
        page.add_patch(Circle(tuple(site), 0.055, facecolor="white", edgecolor=style.INK, zorder=3))
    _write(page, STATE.middle, ["$H$"], [PICTURE - 0.04])
    _write(page, STATE.middle + radii[0] + 0.26, [r"$\gamma$"], [PICTURE + 0.08])
    _write(page, STATE.middle, LINDBLAD, LINES)


def _draw_decay(page: Axes, site: np.ndarray, outwards: np.ndarray) -> None:
    # One long segment at the end, so that the head points outwards.
    along = np.append(np.linspace(0, 5 / 6, 50), 1)
    wave = 0.025 * np.sin(6 * np.pi * along)
    sideways = np.array([-outwards[1], outwards[0]])
    points = site + np.outer(0.08 + 0.3 * along, outwards) + np.outer(wave, sideways)
    _arrow(page, points, color=style.COLORS["Y"])


def _draw_povm(page: Axes, tetrahedron: np.ndarray) -> None:
    _frame(page, OUTCOMES, "(b) POVM")
    place = (OUTCOMES.middle - SIZE / 2, PICTURE - SIZE / 2, SIZE, SIZE)
    limits = (-REACH, REACH)
    sphere = page.inset_axes(place, transform=page.transData, xlim=limits, ylim=limits)
    sphere.set_axis_off()
    _draw_sphere(sphere)
    _draw_tetrahedron(sphere, tetrahedron)
    _write(page, OUTCOMES.middle, POVM, LINES)


def _draw_sphere(axes: Axes) -> None:
    """Outline, equator and axes."""
    axes.add_patch(Circle((0, 0), 1, facecolor="none", edgecolor=style.GUIDE["color"]))
    turn = VIEW[0] + np.linspace(-np.pi / 2, np.pi / 2, 61)
    front = np.column_stack([np.cos(turn), np.sin(turn), np.zeros_like(turn)])
    for half, dashes in ((front, "solid"), (-front, "dashed")):
        axes.plot(*project(half)[:, :2].T, linestyle=dashes, **style.GUIDE)
    for name, end in zip("xyz", project(np.diag(AXES))[:, :2], strict=True):
        _arrow(axes, [(0, 0), end], **style.GUIDE | {"mutation_scale": 5})
        x, y = end * (1 + 0.16 / np.hypot(*end))
        axes.text(x, y, f"${name}$", ha="center", va="center")


def _draw_tetrahedron(axes: Axes, vectors: np.ndarray) -> None:
    """Faces towards the viewer tinted, edges behind them dashed, vertices with their outcomes."""
    shown = project(vectors)
    corners, depths = shown[:, :2], shown[:, 2]
    # A face looks away from the vertex that it lacks.
    facing = depths < 0
    for lacking in np.flatnonzero(facing):
        triangle = np.delete(corners, lacking, axis=0)
        axes.add_patch(Polygon(triangle, facecolor=style.COLORS["X"], alpha=0.15))
    for edge in combinations(range(4), 2):
        dashes = "solid" if np.delete(facing, edge).any() else "dashed"
        axes.plot(*corners[list(edge)].T, color=style.COLORS["X"], linestyle=dashes)
    for outcome, (x, y) in enumerate(corners, start=1):
        axes.plot(x, y, "o", color=style.COLORS["X"], markersize=11, markerfacecolor="white")
        axes.text(x, y, str(outcome), ha="center", va="center_baseline")


def _draw_network(page: Axes) -> None:
    """The same cell at every site: it reads outcome and state of the site before."""
    _frame(page, RECURRENT, "(c) autoregressive network")
    first, second, last = RECURRENT.left + 0.34, RECURRENT.left + 1.04, RECURRENT.right - 0.4
    _draw_cell(page, first, "$0$", r"$p_\theta(a_1)$")
    _draw_cell(page, second, "$a_1$", r"$p_\theta(a_2\!\mid\!a_1)$")
    _draw_cell(page, last, r"$a_{N\!-\!1}$", r"$p_\theta(a_N\!\mid\!a_{\!<\!N})$")
    dots = (second + last) / 2 - 0.04
    starts = (first + HALF, second + HALF, dots + 0.1)
    stops = (second - HALF, dots - 0.1, last - HALF)
    for start, stop, state in zip(starts, stops, STATES, strict=True):
        _arrow(page, [(start, PICTURE), (stop, PICTURE)])
        _write(page, (start + stop) / 2, [state], [PICTURE + 0.07])
    page.text(dots, PICTURE, r"$\cdots$", ha="center", va="center")
    _write(page, RECURRENT.middle, NETWORK, LINES)


def _draw_cell(page: Axes, x: float, given: str, conditional: str) -> None:
    cell = Box(x - HALF, PICTURE - HALF, x + HALF, PICTURE + HALF)
    _rounded(page, cell, 0.05, facecolor=style.COLORS["Z"], edgecolor=style.INK)
    _arrow(page, [(x, PICTURE - STEM), (x, cell.bottom)])
    _arrow(page, [(x, cell.top), (x, PICTURE + STEM)])
    heights = (PICTURE + STEM + 0.06, PICTURE - 0.04, PICTURE - STEM - 0.12)
    _write(page, x, (conditional, r"$\theta$", given), heights)


def _draw_principle(page: Axes) -> None:
    """The exact derivative, the closest one that the network can follow, and averages for it."""
    _frame(page, PRINCIPLE, "(d) time-dependent variational principle")
    heights = (PRINCIPLE.top - 0.19, PRINCIPLE.bottom + 0.19)
    page.text(PRINCIPLE.left + 0.27, heights[1], AVERAGE)
    _write(page, OUTCOMES.middle, EXACT, heights)
    _write(page, RECURRENT.middle, PROJECTED, heights)
    ends = (OUTCOMES.right, heights[0] + 0.03), (RECURRENT.left, heights[0] + 0.03)
    _arrow(page, ends, **BETWEEN)
