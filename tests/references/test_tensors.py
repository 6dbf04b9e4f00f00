"""Matrix product references against exact ones; what layout, symmetry and stops may not change."""

import numpy as np
import pytest
from solvers import solved, tensor_network
from systems import confinement_ring, heisenberg_ring
from trajectories import solved_exactly

from opentdvp.config import Deck
from opentdvp.errors import ConfigError
from opentdvp.physics.model import build_model
from opentdvp.references.tensors.layout import find_layout
from opentdvp.references.tensors.solve import solve
from opentdvp.references.tensors.space import amplitudes, build_chain

PAIRS = {"correlators": {"XX": (1, 2), "XY": (1, 2), "ZZ": (1, 2)}}


def largest_difference(found, expected):
    return max(
        np.abs(curve[0] - expected.curves()[key][0]).max() for key, curve in found.curves().items()
    )


UNLIKE = [{"X": 1.0}, {"Y": 1.0}, {"Z": 1.0}, {"X": -1.0}, {"Y": -1.0}, {"Z": -1.0}]
SHORT = {"stop": 0.6, "points": 4}
UNITARY = {"jumps": [], "observables": PAIRS, "time": {"stop": 3.0, "points": 4}}
OPEN = {"kind": "chain", "size": (4,), "periodic": False}


@pytest.mark.parametrize(
    ("system", "solver"),
    [
        (heisenberg_ring(4, time=SHORT, observables=PAIRS), tensor_network()),
        (heisenberg_ring(5, time=SHORT, observables=PAIRS), tensor_network()),
        (heisenberg_ring(4, lattice=OPEN, time=SHORT, observables=PAIRS), tensor_network()),
        (confinement_ring(4, observables=PAIRS), tensor_network(time_step=0.2)),
        (confinement_ring(6, **UNITARY), tensor_network("mps", time_step=0.2)),
        (
            confinement_ring(5, lattice={**OPEN, "size": (5,)}, **UNITARY),
            tensor_network("mps", time_step=0.2),
        ),
    ],
    ids=["ring", "odd", "open", "dephasing", "unitary", "unitary-open"],
)
def test_agrees_with_the_exact_solution(system, solver):
    found = solved(system, solver)
    assert largest_difference(found, solved_exactly(system)) < 2e-5
    # Trace and norm are kept up to the order of the splitting; nothing else normalises.
    assert found.diagnostics["trace_error"].max() < 1e-5
    discarded = found.diagnostics["discarded_weight"]
    assert discarded[0] == 0
    assert (np.diff(discarded) >= 0).all()


@pytest.mark.parametrize("method", ["mps", "mpo"])
def test_infinite_chain_is_the_limit_of_rings(method):
    """Until the light cones from both sides meet, nothing tells a ring from the infinite chain."""
    closed = {"jumps": []} if method == "mps" else {}
    short = {"time": {"stop": 1.0, "points": 3}, "observables": {"correlators": {"ZZ": (1, 2)}}}
    ring = confinement_ring(8, **closed, **short)
    infinite = solved(ring, tensor_network(method, "infinite", time_step=0.1))
    assert largest_difference(infinite, solved_exactly(ring)) < 2e-5


@pytest.mark.parametrize("method", ["mps", "mpo"])
def test_an_infinite_chain_may_repeat_from_every_second_site(method):
    """Couplings and start states alternate; the limit of rings as above."""
    keys = {
        "couplings": {"ZZ": {"strength": {"alternating": [1.0, 0.4]}}},
        "fields": {"X": {"alternating": [0.25, 0.5]}},
        "jumps": [] if method == "mps" else [{"operator": "Z", "rate": {"alternating": [0.3, 0]}}],
        "start": {"pattern": "neel", "X": 0.6, "Z": 0.8},
        "time": {"stop": 0.8, "points": 3},
        "observables": {"correlators": {"ZZ": (1, 2), "XY": (1,)}},
    }
    ring = confinement_ring(8, **keys)
    infinite = solved(ring, tensor_network(method, "infinite", time_step=0.1))
    assert largest_difference(infinite, solved_exactly(ring)) < 2e-5


def test_unequal_letters_are_not_exchanged():
    """C_XY and C_YX differ without the reflection that exchanges the ends."""
    twisted = {"couplings": {"XY": 0.7, "ZZ": 0.5}, "fields": {"X": 0.3, "Y": 0.2}}
    pairs = {"correlators": {"XY": (1, 2), "YX": (1, 2)}}
    system = heisenberg_ring(4, **twisted, time=SHORT, observables=pairs)
    found = solved(system, tensor_network())
    assert np.abs(found.observables["C_XY"].mean - found.observables["C_YX"].mean).max() > 0.01
    assert largest_difference(found, solved_exactly(system)) < 2e-5


@pytest.mark.parametrize("order", [2, 4])
def test_error_falls_with_the_time_step_to_the_order_of_the_splitting(order):
    time = {"stop": 1.0, "points": 2}
    system = heisenberg_ring(4, lattice=OPEN, time=time, observables=PAIRS)
    expected = solved_exactly(system)
    coarse, fine = (
        largest_difference(solved(system, tensor_network(time_step=step, order=order)), expected)
        for step in (0.25, 0.125)
    )
    assert np.log2(coarse / fine) == pytest.approx(order, abs=0.5)


def test_errors_are_the_changes_by_bond_dimension_and_time_step():
    system = heisenberg_ring(6, time={"stop": 0.8, "points": 3}, observables=PAIRS)
    found = solved(system, tensor_network(bond_dimension=14, time_step=0.1, order=2))
    half = solved(system, tensor_network(bond_dimension=7, time_step=0.1, order=2))
    coarse = solved(system, tensor_network(bond_dimension=7, time_step=0.2, order=2))
    for (name, column), (mean, error) in found.curves().items():
        other = half.curves()[name, column][0]
        by_step = np.abs(other - coarse.curves()[name, column][0])
        np.testing.assert_allclose(error, np.abs(mean - other) + by_step, atol=1e-12)
    steps = found.diagnostics
    assert steps["bond_dimension_error"][-1] > 1e-4
    assert steps["time_step_error"][-1] > 1e-4
    assert steps["bond_dimension"].max() == 14
    assert largest_difference(found, solved_exactly(system)) < 2 * max(
        error.max() for _, error in found.curves().values()
    )


def test_reflection_is_found_where_it_is_a_symmetry():
    model = build_model(confinement_ring(6, jumps=[]))
    layout = find_layout(model, "finite")
    assert layout.reflected
    # Of the four states of two spins, the singlet is odd.
    parities = build_chain(layout, amplitudes(model)).parities
    assert [parity.tolist() for parity in parities] == [[0, 0, 0, 1]] * 3
    # XY along the ring is YX along the reflected one.
    twisted = build_model(heisenberg_ring(6, couplings={"XY": 1.0}))
    assert not find_layout(twisted, "finite").reflected
    # One end has a start state of its own.
    bent = build_model(heisenberg_ring(6, start=[{"Z": 1.0}] * 5 + [{"X": 1.0}]))
    assert not find_layout(bent, "finite").reflected


LADDER = {"kind": "ladder", "size": (3, 2), "periodic": False}


@pytest.mark.parametrize("method", ["mps", "mpo"])
def test_a_ladder_of_two_legs_is_laid_flat(method):
    """Its legs are exchanged by a reflection, unless their start states differ."""
    pairs = {"correlators": {"XX": (1,), "XZ": (1, 2)}}
    jumps = [] if method == "mps" else [{"operator": "sigma_minus sigma_plus", "rate": 0.5}]
    keys = {"lattice": LADDER, "jumps": jumps, "time": SHORT, "observables": pairs}
    alike, unlike = (heisenberg_ring(6, **keys, **c) for c in ({}, {"start": UNLIKE}))
    for system, reflected in ((alike, method == "mps"), (unlike, False)):
        assert find_layout(build_model(system), "finite").reflected == reflected
        found = solved(system, tensor_network(method, time_step=0.1))
        assert largest_difference(found, solved_exactly(system)) < 2e-5


@pytest.mark.parametrize("stop", [1, 4, 9])
def test_resumed_equals_uninterrupted(stop):
    system = confinement_ring(6, **UNITARY)
    solver = tensor_network("mps", bond_dimension=6, time_step=0.2)
    kept = []
    whole = solved(system, solver, keep=kept.append)
    assert len(kept) == 9
    resumed = solved(system, solver, resume_from=kept[stop - 1])
    assert whole.observables.keys() == resumed.observables.keys()
    for (mean, error), (again, error_again) in zip(
        whole.curves().values(), resumed.curves().values(), strict=True
    ):
        np.testing.assert_array_equal(mean, again)
        np.testing.assert_array_equal(error, error_again)
    for name, values in whole.diagnostics.items():
        np.testing.assert_array_equal(values, resumed.diagnostics[name])


def test_discarded_weights_add_up_whatever_the_output_times():
    """Up to what is discarded at the ends of other steps."""
    solver = tensor_network(bond_dimension=8, time_step=0.1, order=2)
    sums = []
    for points in (3, 9):
        time = {"stop": 1.6, "points": points}
        found = solved(heisenberg_ring(6, time=time, observables={}), solver)
        sums.append(found.diagnostics["discarded_weight"][-1])
    assert sums[0] > 1e-8
    assert sums[1] == pytest.approx(sums[0], rel=0.2)


def test_the_share_of_the_work_that_is_done_is_reported():
    """In units of the last time; the last of the evolutions takes most of it."""
    told, system = [], confinement_ring(6, **UNITARY)
    solver = tensor_network("mps", bond_dimension=5, time_step=0.2)
    solved(system, solver, report=lambda time, **values: told.append((time, values)))
    shares = np.array([time for time, _ in told]) / 3
    expected = np.concatenate([np.arange(1, 4) / 3, 1 + 2 * np.arange(1, 4) / 3])
    np.testing.assert_allclose(shares * 19, [*expected, *(3 + 16 * np.arange(1, 4) / 3)])
    # Of 5, as many as the two spins at an end have states; of half of that, all.
    assert told[-1][1]["bond_dimension"] == 4
    assert max(values["bond_dimension"] for _, values in told[:6]) == 3


FAR = {"operator": "X X", "rate": 1.0, "bonds": [[1, 3]]}
SHARED = {"operator": "sigma_minus", "rates": [[1.0] * 4] * 4}
TRIANGLE = {"kind": "graph", "sites": [[0, 0], [1, 0], [0, 1]], "bonds": [[0, 1], [1, 2], [0, 2]]}
SQUARE = {"kind": "square", "size": (3, 3), "periodic": True}


@pytest.mark.parametrize(
    ("system", "solver", "message"),
    [
        (confinement_ring(4), tensor_network("mps"), "`jumps` must be empty .* use mpo"),
        (heisenberg_ring(9, lattice=SQUARE), tensor_network(), "must be chain .* 2 dimensions"),
        (heisenberg_ring(4, lattice=OPEN), tensor_network(chain="infinite"), "must be finite"),
        (
            heisenberg_ring(6, terms=[{"operators": "ZZ", "sites": (0, 2), "strength": 1.0}]),
            tensor_network(),
            r"nearest neighbours .* \[0, 2\]",
        ),
        (
            heisenberg_ring(6, terms=[{"operators": "Z", "sites": (0,), "strength": 1.0}]),
            tensor_network(chain="infinite"),
            "looks the same from every second site",
        ),
        (
            heisenberg_ring(
                6, terms=[{"operators": "Z", "sites": (k,), "strength": 1.0} for k in (0, 3)]
            ),
            tensor_network(chain="infinite"),
            "looks the same from every second site",
        ),
        (
            heisenberg_ring(6, start=UNLIKE),
            tensor_network(chain="infinite"),
            "looks the same from every second site, start state included",
        ),
        (
            heisenberg_ring(6, couplings={"ZXZ": 1.0}),
            tensor_network(),
            r"neighbours .* \[0, 1, 2\]",
        ),
        (
            heisenberg_ring(6, couplings={"ZZ": {"strength": 1.0, "neighbours": 2}}),
            tensor_network(),
            r"neighbours .* use the method moments, exact, exact_reduced or tdvp",
        ),
        (
            heisenberg_ring(4, lattice=OPEN, jumps=[FAR]),
            tensor_network(),
            r"`jumps` must join nearest neighbours .* \[1, 3\]",
        ),
        (
            heisenberg_ring(4, lattice=OPEN, jumps=[SHARED]),
            tensor_network(),
            r"`jumps` must join nearest neighbours .* \[0, 2\]",
        ),
        (
            heisenberg_ring(6, lattice={**LADDER, "periodic": True}),
            tensor_network(),
            "ladder with two legs that are not periodic, but has 2 dimensions",
        ),
        (
            heisenberg_ring(3, lattice=TRIANGLE, observables={}),
            tensor_network(),
            "`lattice.kind` must be chain .* but is a graph",
        ),
        (
            heisenberg_ring(40),
            tensor_network(bond_dimension=1000),
            # Eight matrices of the components of two spins.
            rf"at most 12 GiB, but is 1000, .* about {8 * 8 * 16_000**2 / 2**30:.3g} GiB",
        ),
        (
            confinement_ring(4, jumps=[], start={"Z": 0.5}),
            tensor_network("mps"),
            "must be a pure state .* 0.5",
        ),
    ],
)
def test_what_does_not_fit_is_refused(system, solver, message):
    with pytest.raises(ConfigError, match=message):
        solve.check(Deck(system=system, solver=solver))
