"""The reduced exact solver against QuTiP, which shares nothing with it but the model."""

import numpy as np
import pytest
from solvers import quiet, reduced
from systems import confinement_ring, free_spins, heisenberg_ring
from trajectories import solved_exactly

from opentdvp.config import Deck
from opentdvp.errors import ConfigError, FileError
from opentdvp.records.checkpoint import State, load, save
from opentdvp.records.result_code import ResultCode
from opentdvp.references.exact.reduced import solve

PAIRS = [a + b for a in "XYZ" for b in "XYZ"]
EVERYTHING = {"correlators": dict.fromkeys(PAIRS, (1, 2))}
OPEN_CHAIN = {"kind": "chain", "size": (4,), "periodic": False}
TORUS = {"kind": "square", "size": (3, 3), "periodic": True}
SKEW = {"operator": [[0.1, "0.3-0.2j"], [0.5, "0.4j"]], "rate": 0.6}
TERMS = [
    {"operators": "X", "sites": [0], "strength": 0.9},
    {"operators": "ZX", "sites": [2, 1], "strength": -0.7},
]
SHORT = {"stop": 1.0, "points": 6}


def solved(system, **options):
    return solve(Deck(system=system, solver=reduced()), quiet, **options)


@pytest.mark.parametrize(
    "system",
    [
        heisenberg_ring(6, time=SHORT, observables=EVERYTHING),
        confinement_ring(5, time=SHORT, observables=EVERYTHING),
        heisenberg_ring(5, time=SHORT, start={"Z": 1.0}, observables=EVERYTHING),
        heisenberg_ring(4, time=SHORT, lattice=OPEN_CHAIN, observables=EVERYTHING),
        heisenberg_ring(4, time=SHORT, terms=TERMS, jumps=[SKEW], observables=EVERYTHING),
        heisenberg_ring(4, time=SHORT, couplings={"XY": 1.1, "ZX": 0.4}, observables=EVERYTHING),
    ],
    ids=["heisenberg", "confinement", "parity", "open", "lopsided", "directed"],
)
def test_agrees_with_qutip(system):
    ours = solved(system)
    theirs = solved_exactly(system)
    assert ours.result is ResultCode.SUCCESS
    np.testing.assert_array_equal(ours.times, theirs.times)
    assert list(ours.observables) == list(theirs.observables)
    for name, observable in ours.observables.items():
        np.testing.assert_allclose(observable.mean, theirs.observables[name].mean, atol=1e-7)
        assert observable.distances == theirs.observables[name].distances
        assert not observable.stderr.any()


@pytest.mark.slow
@pytest.mark.parametrize(
    "system",
    [
        heisenberg_ring(8, observables=EVERYTHING),
        confinement_ring(8, observables=EVERYTHING),
        heisenberg_ring(
            9,
            lattice=TORUS,
            couplings={"XX": 0.9, "YY": 1.8, "ZZ": 1.0},
            fields={},
            start={"Z": 1.0},
            observables={"correlators": dict.fromkeys(PAIRS, (1,))},
        ),
    ],
    ids=["heisenberg", "confinement", "torus"],
)
def test_agrees_with_qutip_on_larger_systems(system):
    test_agrees_with_qutip(system)


def test_decay_of_free_spins():
    """<Z> = −1 + (1 + z) e^(−γt), and nothing is correlated."""
    jumps = [{"operator": "sigma_minus", "rate": 1.3}]
    system = free_spins(4, jumps=jumps, observables=EVERYTHING)
    trajectory = solved(system)
    z = system.start.bloch[2]
    expected = -1 + (1 + z) * np.exp(-1.3 * trajectory.times)
    np.testing.assert_allclose(trajectory.observables["Z"].mean, expected, atol=1e-9)
    for pair in PAIRS:
        np.testing.assert_allclose(trajectory.observables[f"C_{pair}"].mean, 0, atol=1e-9)


def test_tolerance_decides_the_error():
    system = heisenberg_ring(4, time=SHORT)
    best, *others = (
        solve(Deck(system=system, solver=reduced(tolerance)), quiet).observables["Z"].mean
        for tolerance in (1e-12, 1e-4, 1e-6, 1e-8)
    )
    errors = [np.abs(values - best).max() for values in others]
    assert errors[0] > 10 * errors[1] > 100 * errors[2] > 0


def test_the_two_tolerances_add_up():
    """Whichever is the larger one."""
    system = heisenberg_ring(4, time=SHORT)
    best = solve(Deck(system=system, solver=reduced(1e-12))).observables["Z"].mean
    for relative, absolute in ((1e-12, 1e-5), (1e-5, 1e-12)):
        tolerances = {"relative_tolerance": relative, "absolute_tolerance": absolute}
        found = solve(Deck(system=system, solver=reduced().model_copy(update=tolerances)))
        assert found.result is ResultCode.SUCCESS
        assert 0 < np.abs(found.observables["Z"].mean - best).max() < 1e-5


def test_the_end_and_the_size_of_every_step_are_reported():
    told = []
    deck = Deck(system=heisenberg_ring(5), solver=reduced())
    whole = solve(deck, lambda time, **values: told.append((time, values["step"])))
    times, steps = np.transpose(told)
    assert len(times) > 1
    np.testing.assert_array_equal(steps, whole.diagnostics["step_size"])
    np.testing.assert_allclose(times, np.cumsum(steps))


@pytest.mark.parametrize("interrupted_after", [0, 1, -2])
def test_resumed_equals_uninterrupted(tmp_path, interrupted_after):
    system = heisenberg_ring(5, observables=EVERYTHING)
    states = []
    whole = solved(system, keep=states.append)
    save(states[interrupted_after], "a" * 64, tmp_path / "run.npz")
    rest = solved(system, resume_from=load("a" * 64, tmp_path / "run.npz"))
    assert list(rest.observables) == list(whole.observables)
    for name, observable in whole.observables.items():
        np.testing.assert_array_equal(rest.observables[name].mean, observable.mean)
    for name, values in whole.diagnostics.items():
        np.testing.assert_array_equal(rest.diagnostics[name], values)


def test_a_checkpoint_of_the_explicit_steps_is_refused():
    earlier = State(0.5, 0.1, {"values": np.ones(40)})
    with pytest.raises(FileError, match="earlier version of the solver; delete it to start"):
        solved(heisenberg_ring(4), resume_from=earlier)


def test_the_steps_fill_the_time():
    trajectory = solved(heisenberg_ring(4, time=SHORT))
    sizes = trajectory.diagnostics["step_size"]
    np.testing.assert_allclose(trajectory.diagnostics["time"], np.cumsum(sizes) - sizes, atol=1e-12)
    assert sizes.sum() == pytest.approx(1.0)


def check(system):
    solve.check(Deck(system=system, solver=reduced()))


def lattice(*size):
    kind = "chain" if len(size) == 1 else "square"
    return {"kind": kind, "size": size, "periodic": True}


def test_the_torus_of_sixteen_fits_with_its_parity_and_not_without():
    check(heisenberg_ring(3, lattice=lattice(4, 4), start={"Z": 1.0}, observables={}))
    check(heisenberg_ring(12))
    with pytest.raises(ConfigError, match=r"gives 15 sites with 30 permutations .* 0 half turns"):
        check(heisenberg_ring(15))


def test_models_without_symmetry_are_refused_with_their_size():
    terms = [{"operators": "X", "sites": [k], "strength": 0.1 * k} for k in range(14)]
    # Thirty vectors, and elements of 12 bytes: that of a string itself, others by half of the 28
    # couplings, by half of the 27 fields, and by decay from Z to I.
    memory = 4**14 * (30 * 8 + 12 * (1 + 28 / 2 + 27 / 2 + 14 / 4)) / 2**30
    message = rf"with 1 permutations .* 2\.68e\+08 coefficients, about {memory:.3g} GiB"
    with pytest.raises(ConfigError, match=message):
        check(heisenberg_ring(14, terms=terms))
