"""What an engine's compiled functions remember, and what not."""

import jax
import pytest
from solvers import ENUMERATION, direct, tdvp
from systems import heisenberg_ring

from opentdvp.engine.compiled import build_engine


@pytest.mark.parametrize(("sampling", "remembered"), [(ENUMERATION, True), (direct(64), False)])
def test_without_samples_the_last_right_hand_side_is_remembered(sampling, remembered):
    """The end of a step is then the start of the next one for free; other points are not."""
    engine = build_engine(heisenberg_ring(3), tdvp(sampling=sampling), jax.random.key(1))
    theta = engine.theta
    keys = jax.random.split(jax.random.key(2))
    first, second = (engine.derivative(theta, theta, key) for key in keys)
    assert (first.velocity is second.velocity) == remembered
    elsewhere = engine.derivative(theta + first.velocity, theta, keys[0])
    assert (elsewhere.velocity != first.velocity).any()
