"""The exact reference against Runge-Kutta steps of the POVM form, which share only the model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from systems import confinement_ring, heisenberg_ring
from trajectories import solved_exactly

from opentdvp.config import System
from opentdvp.engine.povm.generator import apply_generator, build_generator
from opentdvp.engine.povm.tetrahedron import Povm, build_povm, outcome_probabilities
from opentdvp.physics.model import build_model

EVERY_PAIR = [a + b for a in "XYZ" for b in "XYZ"]


def lopsided_ring(n_sites: int, **changes: Any) -> System:
    """No two sites are alike, and no direction along the ring."""
    terms = [
        {"operators": "X", "sites": [0], "strength": 0.9},
        {"operators": "ZX", "sites": [2, 1], "strength": -0.7},
    ]
    jumps = [
        {"operator": "sigma_minus", "rate": 1.3, "sites": [1]},
        {"operator": "Z", "rate": 1.3, "sites": [3]},
    ]
    return heisenberg_ring(n_sites, couplings={"XY": 1.1}, terms=terms, jumps=jumps, **changes)


@pytest.mark.parametrize("orientation", ["cubic", "z_aligned"])
@pytest.mark.parametrize("ring", [heisenberg_ring, confinement_ring, lopsided_ring])
def test_agrees_with_the_povm_form(ring: Callable[..., System], orientation: Any) -> None:
    """Runge-Kutta steps of the POVM generator share nothing with QuTiP but the model."""
    system = ring(
        4,
        time={"stop": 1.0, "points": 11},
        observables={"correlators": dict.fromkeys(EVERY_PAIR, (1, 2))},
    )
    trajectory = solved_exactly(system)
    povm = build_povm(orientation)
    distributions = propagate(system, povm, steps_between=20)
    for index, probabilities in enumerate(distributions):
        for name, observable in trajectory.observables.items():
            expected = observe(probabilities, povm, name.removeprefix("C_"), observable.distances)
            np.testing.assert_allclose(observable.mean[index], expected, atol=1e-6)


def propagate(system: System, povm: Povm, steps_between: int) -> list[np.ndarray]:
    """Distributions at the output times, by the classical Runge-Kutta method."""
    model = build_model(system)
    generator = build_generator(model, povm)
    step = system.time.stop / (system.time.points - 1) / steps_between

    def slope(p: np.ndarray) -> np.ndarray:
        return apply_generator(generator, p)

    p = np.array(1.0)
    for bloch in model.bloch:
        p = np.multiply.outer(p, outcome_probabilities(povm, bloch))
    distributions = [p]
    for _ in range(system.time.points - 1):
        for _ in range(steps_between):
            k1 = slope(p)
            k2 = slope(p + step / 2 * k1)
            k3 = slope(p + step / 2 * k2)
            k4 = slope(p + step * k3)
            p = p + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        distributions.append(p)
    return distributions


def observe(
    probabilities: np.ndarray, povm: Povm, letters: str, distances: tuple[int, ...]
) -> np.ndarray:
    """A magnetisation of a ring, or its connected correlators at some distances."""
    sites = range(probabilities.ndim)

    def mean(placed: dict[int, str]) -> np.ndarray:
        contracted = probabilities
        for site in reversed(sites):
            weights = povm.weights(placed[site]) if site in placed else np.ones(4)
            contracted = np.tensordot(contracted, weights, axes=(site, 0))
        return contracted

    if len(letters) == 1:
        return np.mean([mean({i: letters}) for i in sites])
    a, b = letters[0], letters[1]
    pairs = {d: [(i, (i + d) % len(sites)) for i in sites] for d in distances}
    return np.array(
        [
            np.mean([mean({i: a, j: b}) - mean({i: a}) * mean({j: b}) for i, j in pairs[d]])
            for d in distances
        ]
    )


@pytest.mark.slow
def test_heisenberg_ring_of_ten() -> None:
    """Values from Runge-Kutta steps of the POVM form; correlators at distance 2."""
    expected = {
        0.3: (0.25539, -0.50175, -0.42104, -0.14734, 0.08404, 0.08964),
        0.5: (0.18894, -0.20190, -0.31104, -0.16640, 0.10307, 0.00118),
        1.0: (0.05805, -0.03451, -0.31305, -0.11985, 0.07196, 0.01963),
        2.0: (-0.00581, 0.00201, -0.27206, -0.08478, 0.05376, 0.00041),
    }
    system = heisenberg_ring(10, time={"stop": 2.0, "points": 21})
    trajectory = solved_exactly(system)
    for time, values in expected.items():
        index = int(np.argmin(np.abs(trajectory.times - time)))
        found = [trajectory.observables[axis].mean[index] for axis in "XYZ"]
        found += [trajectory.observables[f"C_{a}{a}"].mean[index, 1] for a in "XYZ"]
        np.testing.assert_allclose(found, values, atol=2e-5)
