"""Observables of what references have kept: those of a run that had asked for them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from featured import DRIVES
from solvers import exact, moments, reduced, solved, tensor_network, wave_functions
from systems import heisenberg_ring

from opentdvp.config import Deck, System
from opentdvp.config.measurement import Measured
from opentdvp.errors import ConfigError, FileError
from opentdvp.physics.model import build_model
from opentdvp.physics.pauli.orbits import find_orbits
from opentdvp.physics.pauli.symmetries import automorphisms, half_turns
from opentdvp.protocol import LARGEST_KEPT
from opentdvp.records.checkpoint import State
from opentdvp.records.trajectory import Trajectory, read, write
from opentdvp.references.exact.full import expectation
from opentdvp.references.exact.kept import orbit_expectations
from opentdvp.running.measure import measure, measured_deck
from opentdvp.running.solvers import check, measuring_of, method_of

#: One of each kind.
MORE = {
    "magnetization": ["X"],
    "correlators": {"XY": [1], "ZZ": [1, 2]},
    "strings": ["Z@0", "X@0 Y@1"],
    "profiles": ["Z"],
    "correlation_matrices": ["ZZ"],
    "energy": True,
    "currents": ["Z"],
    "density_matrices": {"sites": [[0], [0, 1]]},
}
LITTLE = {"observables": {"magnetization": ["Z"]}}
FEW = LITTLE | {"time": {"stop": 0.8, "points": 5}}
LATE = LITTLE | {"time": {"times": [0.3, 0.8]}}
RAMP = {"couplings": {"XX": {"strength": 2.0, "drive": DRIVES["ramp"]}, "ZZ": 1.0}}
CLOSED: dict[str, Any] = {"jumps": []}

#: Solver, changes of the system, and by how much observables between kept times may differ.
CASES = {
    "exact": (exact(), {}, 1e-7),
    "exact, driven": (exact(), RAMP, 1e-6),
    "reduced": (reduced(), {}, 1e-7),
    "reduced, driven": (reduced(1e-6), RAMP, 1e-5),
    "moments": (moments(3, 3), {}, 1e-6),
    "moments, driven": (moments(3, 3), RAMP, 1e-6),
    "mpo": (tensor_network(), {}, 1e-5),
    "mpo, driven": (tensor_network(bond_dimension=16), RAMP, 1e-4),
    "mps": (tensor_network("mps"), CLOSED, 1e-5),
}
#: Of them the solver of kept states is another than that of the run.
TRANSLATED = ("exact", "exact, driven")


@pytest.fixture(params=CASES)
def case(request):
    """Name, solver, changes and tolerance of a case."""
    return (request.param, *CASES[request.param])


def ring(*changes: dict[str, Any]) -> System:
    keys: dict[str, Any] = {}
    for change in changes:
        keys |= change
    return heisenberg_ring(4, **keys)


def measured(evolution: Trajectory, **keys: Any) -> Trajectory:
    wanted = Measured.model_validate({"observables": MORE} | keys)
    return measure(measured_deck(evolution, wanted), evolution)


def assert_close(found: Trajectory, expected: Trajectory, tolerance: float) -> None:
    assert list(found.observables) == list(expected.observables)
    np.testing.assert_allclose(found.times, expected.times)
    for name, observable in expected.observables.items():
        mean = found.observables[name].mean
        np.testing.assert_allclose(mean, observable.mean, rtol=0, atol=tolerance, err_msg=name)


def test_at_kept_times_it_is_the_run_that_had_asked(case, tmp_path):
    name, solver, changes, _ = case
    write(solved(ring(FEW, changes), solver), tmp_path / "run.h5")
    found = measured(read(tmp_path / "run.h5"))
    expected = solved(ring(FEW, changes, {"observables": MORE}), solver)
    assert_close(found, expected, 1e-12 if name in TRANSLATED else 0)
    for label, observable in expected.observables.items():
        np.testing.assert_array_equal(found.observables[label].stderr, observable.stderr)
    assert not found.states
    assert found.diagnostics.keys() == expected.diagnostics.keys()
    assert found.provenance.keys() == expected.provenance.keys()


@pytest.mark.parametrize("kept", [FEW, LATE], ids=["from the start", "late"])
def test_between_kept_times_it_is_the_run_that_had_asked_for_more(case, kept):
    _, solver, changes, tolerance = case
    finer = {"time": {"times": [0.1, 0.3, 0.45, 0.8]}}
    found = measured(solved(ring(kept, changes), solver), **finer)
    expected = solved(ring(changes, finer, {"observables": MORE}), solver)
    assert_close(found, expected, tolerance)


@pytest.mark.parametrize("chain", ["finite", "infinite"])
def test_tensors_of_a_run_that_went_on_are_kept_too(chain):
    """Checkpoints hold what was kept so far, of all three evolutions."""
    solver = tensor_network(chain=chain, bond_dimension=8, time_step=0.1)
    system = heisenberg_ring(6, **FEW)
    deck, states = Deck(system=system, solver=solver), list[State]()
    whole = method_of(deck)(deck, keep=states.append)
    again = method_of(deck)(deck, resume_from=states[len(states) // 2])
    assert list(whole.states) == list(again.states) != []
    for name, values in whole.states.items():
        np.testing.assert_array_equal(again.states[name], values)


def test_what_is_kept_of_a_density_matrix_is_all_of_it():
    """Every orbit of a symmetric ρ has the expectation value of its string."""
    system = heisenberg_ring(4, start={"X": 0.3, "Y": -0.5, "Z": 0.4})
    model = build_model(system)
    orbits = find_orbits(automorphisms(model), half_turns(model))
    random = np.random.default_rng(3)
    matrix = random.standard_normal((16, 16)) + 1j * random.standard_normal((16, 16))
    # Any Hermitian matrix has expectation values; those of one string per orbit are read off it.
    rho = matrix + matrix.conj().T
    found = orbit_expectations(rho, orbits)
    for number in range(0, len(found), 7):
        x, z = int(orbits.x[number]), int(orbits.z[number])
        sites = [site for site in range(4) if (x | z) >> site & 1]
        letters = "".join("IXZY"[(x >> s & 1) + 2 * (z >> s & 1)] for s in sites)
        value = expectation(rho, letters, tuple(sites)) if sites else np.trace(rho).real
        assert found[number] == pytest.approx(value, abs=1e-12)


def test_states_that_are_too_large_are_left_out():
    """4¹⁰ expectation values of an open chain without symmetries: nothing is kept of them."""
    lattice = {"kind": "chain", "size": (10,), "periodic": False}
    fields = {"X": 1.0, "Z": [float(site) for site in range(10)]}
    deck = Deck(system=heisenberg_ring(10, lattice=lattice, fields=fields), solver=exact())
    measuring = measuring_of(deck)
    assert not measuring.keeps(deck)
    later = deck.model_copy(update={"measured_from": deck.run_id})
    with pytest.raises(ConfigError, match=r"states of at most 2 MiB .* but leaves 8;"):
        check(later)
    small = Deck(system=heisenberg_ring(10), solver=exact())
    assert measuring.keeps(small)
    assert LARGEST_KEPT == 2 * 2**20


def test_averages_over_trajectories_keep_no_states():
    deck = Deck(system=heisenberg_ring(3), solver=wave_functions(4, 4))
    with pytest.raises(ConfigError, match="must be one whose runs keep states"):
        measuring_of(deck)


@pytest.mark.parametrize("name", ["reduced", "moments", "mpo"])
def test_files_of_earlier_versions_and_of_other_sizes_are_refused(name):
    solver, changes, _ = CASES[name]
    evolution = solved(ring(FEW, changes), solver)
    with pytest.raises(FileError, match="must keep the states"):
        measured(replace(evolution, states={}))
    short = {key: values[:, :3] for key, values in evolution.states.items()}
    with pytest.raises(FileError, match="must keep"):
        measured(replace(evolution, states=short))
