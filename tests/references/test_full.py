"""The exact reference against closed forms and symmetries."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from systems import free_spins, heisenberg_ring
from trajectories import solved_exactly

from opentdvp.config import ExactSolver
from opentdvp.records.trajectory import Trajectory

Bloch = tuple[Any, Any, Any]

GAMMA, H, J = 1.3, 0.7, 0.8
EVERY_PAIR = [a + b for a in "XYZ" for b in "XYZ"]
DECAYING = {"operator": "sigma_minus", "rate": GAMMA}
LOWERING = {"operator": [[0, 0], [1, 0]], "rate": GAMMA, "sites": [0, 1]}
PUMPED = {"operator": "sigma_plus", "rate": GAMMA}
DEPHASING = {"operator": "Z", "rate": GAMMA}


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
    trajectory = solved_exactly(system)
    for axis, expected in zip(
        "XYZ", closed_form(trajectory.times, *system.start.bloch), strict=True
    ):
        np.testing.assert_allclose(trajectory.observables[axis].mean, expected, atol=1e-7)
    for pair in EVERY_PAIR:
        np.testing.assert_allclose(trajectory.observables[f"C_{pair}"].mean, 0, atol=2e-7)


def test_two_spins_are_entangled_by_an_xx_coupling() -> None:
    """From two spins up, cos(Jt)|↑↑> − i sin(Jt)|↓↓>."""
    system = free_spins(couplings={"XX": J}, jumps=[], start={"Z": 1.0}, observables=correlated(1))
    trajectory = solved_exactly(system)
    c, s = np.cos(2 * J * trajectory.times), np.sin(2 * J * trajectory.times)
    expected = dict.fromkeys((f"C_{pair}" for pair in EVERY_PAIR), 0 * s)
    expected |= {"C_XY": -s, "C_YX": -s, "C_ZZ": s**2}
    np.testing.assert_allclose(trajectory.observables["Z"].mean, c, atol=1e-7)
    for name, values in expected.items():
        np.testing.assert_allclose(trajectory.observables[name].mean[:, 0], values, atol=2e-7)


def test_site_averages_do_not_depend_on_where_a_defect_is() -> None:
    here, there = (
        means(solved_exactly(heisenberg_ring(4, terms=defect, observables=correlated(1, 2))))
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
            solved_exactly(
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
        solved_exactly(
            heisenberg_ring(3, couplings=couplings, fields=fields, observables=correlated(1))
        )
    )
    rotated = means(
        solved_exactly(
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
    ring = means(solved_exactly(heisenberg_ring(4, observables=correlated(1))))
    for name, values in means(
        solved_exactly(heisenberg_ring(4, lattice=square, observables=correlated(1)))
    ).items():
        np.testing.assert_allclose(values, ring[name], atol=1e-7)


def test_columns_are_the_configured_distances_in_their_order() -> None:
    observables = {"magnetization": ["Z"], "correlators": {"ZX": [2, 1], "XX": [2]}}
    some = solved_exactly(heisenberg_ring(4, observables=observables)).observables
    every = solved_exactly(heisenberg_ring(4, observables=correlated(1, 2))).observables
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
        trajectory = solved_exactly(free_spins(jumps=[DECAYING]), solver)
        expected = decay(trajectory.times, 0.48, -0.6, 0.64)[2]
        errors.append(np.abs(trajectory.observables["Z"].mean - expected).max())
    assert errors[0] > 10 * errors[1] > 100 * errors[2]
