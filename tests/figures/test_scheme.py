"""The scheme of the method shows the POVM's own tetrahedron, and is fit to print."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from opentdvp.config import SchemeFigure
from opentdvp.engine.povm.tetrahedron import build_povm
from opentdvp.figures import scheme, style
from opentdvp.figures.sources import Material

#: Between panels: four arrows and the label of one.
LINKS = 5

Orientation = Literal["cubic", "z_aligned"]


def drawn(povm: Orientation) -> Figure:
    return scheme.draw(SchemeFigure(kind="scheme", povm=povm), Material(runs={}))


@pytest.fixture(params=["cubic", "z_aligned"])
def povm(request: pytest.FixtureRequest) -> Orientation:
    return request.param


def tetrahedron(povm: Orientation) -> list[Any]:
    (page,) = drawn(povm).axes
    (sphere,) = page.child_axes
    return [line for line in sphere.lines if line.get_color() == style.COLORS["X"]]


def test_projection_keeps_lengths_and_handedness() -> None:
    right, up, towards = scheme.project(np.eye(3)).T
    np.testing.assert_allclose(np.cross(right, up), towards)
    np.testing.assert_allclose([right @ right, up @ up, towards @ towards], 1)
    assert scheme.project(np.array([0.0, 0, 1]))[0] == pytest.approx(0)
    longitude, latitude = scheme.VIEW
    x, y = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude)
    viewer = np.array([x, y, np.sin(latitude)])
    np.testing.assert_allclose(scheme.project(viewer), [0, 0, 1], atol=1e-15)


def test_vertices_are_those_of_the_povm(povm: Orientation) -> None:
    vertices = scheme.project(build_povm(povm).directions)[:, :2]
    marks = [line.get_xydata()[0] for line in tetrahedron(povm) if line.get_marker() == "o"]
    np.testing.assert_array_equal(marks, vertices)
    (page,) = drawn(povm).axes
    numbers = {text.get_text(): text.get_position() for text in page.child_axes[0].texts}
    for outcome, vertex in enumerate(vertices, start=1):
        assert numbers[str(outcome)] == pytest.approx(tuple(vertex))


def test_edges_join_the_vertices_and_are_dashed_behind_the_body(povm: Orientation) -> None:
    directions = build_povm(povm).directions
    edges = [line for line in tetrahedron(povm) if line.get_marker() == "None"]
    pairs = list(combinations(directions, 2))
    for line, pair in zip(edges, pairs, strict=True):
        np.testing.assert_array_equal(line.get_xydata(), scheme.project(np.array(pair))[:, :2])
        middle = np.mean(pair, axis=0)
        # A little towards the viewer from there is inside the body only if it hides the edge.
        seen = middle + 0.01 * np.linalg.inv(scheme.project(np.eye(3)))[2]
        inside = ((1 + 3 * directions @ seen) > 0).all()
        assert line.get_linestyle() == ("--" if inside else "-")


def test_nothing_leaves_the_page_or_its_panel(povm: Orientation) -> None:
    figure = drawn(povm)
    (page,) = figure.axes
    arrows = [patch for patch in page.patches if isinstance(patch, FancyArrowPatch)]
    width, height = figure.get_size_inches()
    assert width == pytest.approx(7)
    panels = [scheme.STATE, scheme.OUTCOMES, scheme.RECURRENT, scheme.PRINCIPLE]
    inside = 0
    for left, bottom, right, top in extents(figure, [*texts(figure), *arrows]):
        assert left > 0
        assert bottom > 0
        assert right < width
        assert top < height
        x, y = (left + right) / 2, (bottom + top) / 2
        for box in panels:
            if box.left < x < box.right and box.bottom < y < box.top:
                inside += 1
                assert box.left < left < right < box.right
                assert box.bottom < bottom < top < box.top
    assert inside == len(texts(figure)) + len(arrows) - LINKS


def test_texts_do_not_overlap(povm: Orientation) -> None:
    figure = drawn(povm)
    boxes = [Bbox.from_extents(*extent) for extent in extents(figure, texts(figure))]
    assert len(boxes) > 25
    for one, other in combinations(range(len(boxes)), 2):
        names = [texts(figure)[number].get_text() for number in (one, other)]
        assert not boxes[one].overlaps(boxes[other]), names


def texts(figure: Figure) -> list[Text]:
    (page,) = figure.axes
    return [*page.texts, *page.child_axes[0].texts]


def extents(figure: Figure, artists: Sequence[Artist]) -> np.ndarray:
    """Left, bottom, right and top in inches, as they are drawn."""
    FigureCanvasAgg(figure)
    with style.context():
        figure.draw_without_rendering()
        return np.array([artist.get_window_extent().extents for artist in artists]) / figure.dpi


@pytest.mark.parametrize("suffix", [".pdf", ".png", ".svg"])
def test_equal_figures_give_equal_bytes(suffix: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}{suffix}" for name in ("first", "second")]
    for path in paths:
        style.save(drawn("cubic"), path, {})
    assert paths[0].read_bytes() == paths[1].read_bytes()
