"""The exact reference against closed forms, symmetries and an independent propagation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from solvers import exact
from systems import confinement_ring, free_spins, heisenberg_ring

from opentdvp.config import Deck, ExactSolver, System
from opentdvp.engine.lindblad import apply_generator, build_generator
from opentdvp.engine.povm import Povm, build_povm, outcome_probabilities
from opentdvp.models import build_model
from opentdvp.references.exact import solve
from opentdvp.trajectory import Trajectory

Bloch = tuple[Any, Any, Any]

GAMMA, H, J = 1.3, 0.7, 0.8
EVERY_PAIR = [a + b for a in "XYZ" for b in "XYZ"]
DECAYING = {"operator": "sigma_minus", "rate": GAMMA}
LOWERING = {"operator": [[0, 0], [1, 0]], "rate": GAMMA, "sites": [0, 1]}
PUMPED = {"operator": "sigma_plus", "rate": GAMMA}
DEPHASING = {"operator": "Z", "rate": GAMMA}


def solved(system: System, solver: ExactSolver | None = None) -> Trajectory:
    return solve(Deck(system=system, solver=solver or exact()), lambda time: None)


def means(trajectory: Trajectory) -> dict[str, np.ndarray]:
    return {name: observable.mean for name, observable in trajectory.observables.items()}


def correlated(*distances: int) -> dict[str, Any]:
    """All nine correlators at some distances."""
    return {"correlators": dict.fromkeys(EVERY_PAIR, distances)}


def decay(t: np.ndarray, x: float, y: float, z: float) -> Bloch:
    shrunk = np.exp(-GAMMA * t / 2)
    return x * shrunk, y * shrunk, -1 + (1 + z) * shrunk**2


def pumping(t: np.ndarray, x: float, y: float, z: float) -> Bloch:
    shrunk = np.exp(-GAMMA * t / 2)
    return x * shrunk, y * shrunk, 1 - (1 - z) * shrunk**2


def dephasing(t: np.ndarray, x: float, y: float, z: float) -> Bloch:
    shrunk = np.exp(-2 * GAMMA * t)
    return x * shrunk, y * shrunk, z + 0 * t


def precession(t: np.ndarray, x: float, y: float, z: float) -> Bloch:
    c, s = np.cos(2 * H * t), np.sin(2 * H * t)
    return x * c - y * s, x * s + y * c, z + 0 * t


@pytest.mark.parametrize(
    ("changes", "closed_form"),
    [
        ({"jumps": [DECAYING]}, decay),
        ({"jumps": [LOWERING]}, decay),
        ({"jumps": [PUMPED]}, pumping),
        ({"jumps": [DEPHASING]}, dephasing),
        ({"jumps": [], "fields": {"Z": H}}, precession),
    ],
)
def test_free_spins_follow_closed_forms(
    changes: dict[str, Any], closed_form: Callable[..., Bloch]
) -> None:
    system = free_spins(observables=correlated(1), **changes)
    trajectory = solved(system)
    for axis, expected in zip(
        "XYZ", closed_form(trajectory.times, *system.start.bloch), strict=True
    ):
        np.testing.assert_allclose(trajectory.observables[axis].mean, expected, atol=1e-7)
    for pair in EVERY_PAIR:
        np.testing.assert_allclose(trajectory.observables[f"C_{pair}"].mean, 0, atol=2e-7)


def test_two_spins_are_entangled_by_an_xx_coupling() -> None:
    """From two spins up, cos(Jt)|↑↑> − i sin(Jt)|↓↓>."""
    system = free_spins(couplings={"XX": J}, jumps=[], start={"Z": 1.0}, observables=correlated(1))
    trajectory = solved(system)
    c, s = np.cos(2 * J * trajectory.times), np.sin(2 * J * trajectory.times)
    expected = dict.fromkeys((f"C_{pair}" for pair in EVERY_PAIR), 0 * s)
    expected |= {"C_XY": -s, "C_YX": -s, "C_ZZ": s**2}
    np.testing.assert_allclose(trajectory.observables["Z"].mean, c, atol=1e-7)
    for name, values in expected.items():
        np.testing.assert_allclose(trajectory.observables[name].mean[:, 0], values, atol=2e-7)


def lopsided_ring(n_sites: int, **changes: Any) -> System:
    """No two sites are alike, and no direction along the ring."""
    terms = [
        {"operators": "X", "sites": [0], "strength": 0.9},
        {"operators": "ZX", "sites": [2, 1], "strength": -0.7},
    ]
    jumps = [DECAYING | {"sites": [1]}, DEPHASING | {"sites": [3]}]
    return heisenberg_ring(n_sites, couplings={"XY": 1.1}, terms=terms, jumps=jumps, **changes)


@pytest.mark.parametrize("orientation", ["cubic", "z_aligned"])
@pytest.mark.parametrize("ring", [heisenberg_ring, confinement_ring, lopsided_ring])
def test_agrees_with_the_povm_form(ring: Callable[..., System], orientation: Any) -> None:
    """Runge-Kutta steps of the POVM generator share nothing with QuTiP but the model."""
    system = ring(4, time={"stop": 1.0, "points": 11}, observables=correlated(1, 2))
    trajectory = solved(system)
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
    for _ in range(model.n_sites):
        p = np.multiply.outer(p, outcome_probabilities(povm, model.bloch))
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


def test_site_averages_do_not_depend_on_where_a_defect_is() -> None:
    here, there = (
        means(solved(heisenberg_ring(4, terms=defect, observables=correlated(1, 2))))
        for defect in (
            [{"operators": "X", "sites": [0], "strength": 0.6}],
            [{"operators": "X", "sites": [3], "strength": 0.6}],
        )
    )
    for name, values in here.items():
        np.testing.assert_allclose(there[name], values, atol=1e-7)


def test_mirror_image_swaps_the_letters_of_a_pair() -> None:
    chain = {"kind": "chain", "size": [3], "periodic": False}
    original, mirrored = (
        means(
            solved(
                heisenberg_ring(
                    3,
                    lattice=chain,
                    couplings={pair: 1.2},
                    jumps=[DECAYING | {"sites": [site]}],
                    observables=correlated(1, 2),
                )
            )
        )
        for pair, site in (("XY", 0), ("YX", 2))
    )
    for name, values in original.items():
        image = name if len(name) == 1 else f"C_{name[:1:-1]}"
        np.testing.assert_allclose(mirrored[image], values, atol=1e-7)


def test_rotated_system_has_rotated_observables() -> None:
    """The rotation X → Y → Z → X of everything."""
    image = str.maketrans("XYZ", "YZX")
    couplings, fields = {"XX": 2.0, "ZZ": 1.0, "XY": 0.5}, {"Z": 1.0}
    original = means(
        solved(heisenberg_ring(3, couplings=couplings, fields=fields, observables=correlated(1)))
    )
    rotated = means(
        solved(
            heisenberg_ring(
                3,
                couplings={pair.translate(image): s for pair, s in couplings.items()},
                fields={axis.translate(image): s for axis, s in fields.items()},
                # (Y − iZ)/2, where σ⁻ = (X − iY)/2.
                jumps=[{"operator": [["-0.5j", "-0.5j"], ["0.5j", "0.5j"]], "rate": 1.0}],
                start={"Z": -1.0},
                observables=correlated(1),
            )
        )
    )
    for name, values in original.items():
        letters = name.removeprefix("C_")
        image_name = name.removesuffix(letters) + letters.translate(image)
        np.testing.assert_allclose(rotated[image_name], values, atol=1e-7)


def test_open_square_of_four_sites_is_a_ring() -> None:
    square = {"kind": "square", "size": [2, 2], "periodic": False}
    ring = means(solved(heisenberg_ring(4, observables=correlated(1))))
    for name, values in means(
        solved(heisenberg_ring(4, lattice=square, observables=correlated(1)))
    ).items():
        np.testing.assert_allclose(values, ring[name], atol=1e-7)


def test_columns_are_the_configured_distances_in_their_order() -> None:
    observables = {"magnetization": ["Z"], "correlators": {"ZX": [2, 1], "XX": [2]}}
    some = solved(heisenberg_ring(4, observables=observables)).observables
    every = solved(heisenberg_ring(4, observables=correlated(1, 2))).observables
    assert list(some) == ["Z", "C_ZX", "C_XX"]
    assert (some["C_ZX"].distances, some["C_XX"].distances) == ((2, 1), (2,))
    np.testing.assert_array_equal(some["C_ZX"].mean, every["C_ZX"].mean[:, ::-1])
    for observable in some.values():
        np.testing.assert_array_equal(observable.stderr, np.zeros_like(observable.mean))


def test_tolerance_decides_the_error() -> None:
    errors = []
    for tolerance in (1e-4, 1e-6, 1e-8):
        solver = ExactSolver(
            method="exact", relative_tolerance=tolerance, absolute_tolerance=tolerance / 100
        )
        trajectory = solved(free_spins(jumps=[DECAYING]), solver)
        expected = decay(trajectory.times, 0.48, -0.6, 0.64)[2]
        errors.append(np.abs(trajectory.observables["Z"].mean - expected).max())
    assert errors[0] > 10 * errors[1] > 100 * errors[2]


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
    trajectory = solved(system)
    for time, values in expected.items():
        index = int(np.argmin(np.abs(trajectory.times - time)))
        found = [trajectory.observables[axis].mean[index] for axis in "XYZ"]
        found += [trajectory.observables[f"C_{a}{a}"].mean[index, 1] for a in "XYZ"]
        np.testing.assert_allclose(found, values, atol=2e-5)
