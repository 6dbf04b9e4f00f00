"""The figure of dynamics that several files look at."""

import pytest
from drawn_figures import CANDIDATE, POINTS, REFERENCE
from figure_settings import DYNAMICS, material
from matplotlib.figure import Figure

from opentdvp.figures import dynamics


@pytest.fixture(scope="module")
def drawn() -> Figure:
    return dynamics.draw(DYNAMICS, material(CANDIDATE, REFERENCE, POINTS))
