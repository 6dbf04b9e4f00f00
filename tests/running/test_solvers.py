"""All solvers there are: checked once in a run, refused whoever asks, imported when chosen."""

import subprocess
import sys
from typing import get_args

import pytest
from solvers import exact, kicks, moments, quiet, reduced, tdvp, tensor_network, wave_functions
from systems import confinement_ring, free_spins, heisenberg_ring

from opentdvp.config import Deck, Solver
from opentdvp.errors import ConfigError
from opentdvp.protocol import Method
from opentdvp.references.trajectories.batches import batch
from opentdvp.running.solve import solve_batch_to_file, solve_to_file, take_part
from opentdvp.running.solvers import SOLVERS, check, method_of

SHORT = {"stop": 0.02, "points": 2}
LOPSIDED = [{"operators": "X", "sites": [0], "strength": 1.0}]
SQUARE = {"kind": "square", "size": (3, 3), "periodic": False}

#: A solver of each kind, a system that it solves at once, and one that it refuses.
CASES = {
    "tdvp": (tdvp(width=2), heisenberg_ring(3, time=SHORT), heisenberg_ring(3, terms=LOPSIDED)),
    "exact": (exact(), heisenberg_ring(3, time=SHORT), heisenberg_ring(11)),
    "exact_reduced": (reduced(), heisenberg_ring(3, time=SHORT), heisenberg_ring(15)),
    "mcwf": (wave_functions(2), heisenberg_ring(3, time=SHORT), heisenberg_ring(17)),
    "dephasing_kicks": (kicks(2), confinement_ring(3, time=SHORT), heisenberg_ring(3)),
    "mps": (
        tensor_network("mps", time_step=0.02, order=2),
        confinement_ring(3, jumps=[], time=SHORT),
        heisenberg_ring(3),
    ),
    "mpo": (
        tensor_network("mpo", time_step=0.02, order=2),
        free_spins(3, time=SHORT),
        heisenberg_ring(4, lattice=SQUARE, observables={}),
    ),
    "moments": (
        moments(2, 2, 3),
        heisenberg_ring(4, time=SHORT),
        heisenberg_ring(8, observables={"correlators": {"XX": [3]}}),
    ),
}


@pytest.fixture
def checks(monkeypatch):
    """Every call of the check of a solver, by whatever name it is called."""

    def count(found):
        calls, honest = [], found._check

        def counted(*arguments):
            calls.append(arguments)
            honest(*arguments)

        monkeypatch.setattr(found, "_check", counted)
        for module in {honest.__module__, found._solve.__module__}:
            monkeypatch.setattr(f"{module}.{honest.__name__}", counted)
        return calls

    return count


def test_there_is_a_solver_for_every_method() -> None:
    settings = get_args(get_args(Solver)[0])
    named = {name for kind in settings for name in get_args(kind.model_fields["method"].annotation)}
    assert named == set(SOLVERS) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_deck_is_checked_once_in_a_run(name, checks, tmp_path):
    solver, system, _ = CASES[name]
    deck = Deck(system=system, solver=solver)
    calls = checks(method_of(deck))
    solve_to_file(deck, tmp_path / "run.h5", None, quiet)
    assert calls == [(system, solver)]


def test_a_deck_is_checked_once_by_those_that_share_or_divide_a_run(checks, tmp_path):
    solver, system, _ = CASES["tdvp"]
    deck = Deck(system=system, solver=solver)
    calls = checks(method_of(deck))
    take_part(deck, None)
    assert len(calls) == 1
    solver, system, _ = CASES["dephasing_kicks"]
    deck = Deck(system=system, solver=solver)
    calls = checks(method_of(deck))
    solve_batch_to_file(deck, 0, tmp_path / "batch.npz", None, quiet)
    assert len(calls) == 1


@pytest.mark.parametrize("name", CASES)
def test_a_deck_that_does_not_fit_is_refused_by_whoever_is_asked(name, tmp_path):
    solver, _, system = CASES[name]
    deck = Deck(system=system, solver=solver)
    assert isinstance(method_of(deck), Method)
    for ask in (check, method_of(deck)):
        with pytest.raises(ConfigError):
            ask(deck)
    with pytest.raises(ConfigError):
        solve_to_file(deck, tmp_path / "run.h5", None, quiet)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", CASES)
def test_settings_of_another_solver_are_refused(name):
    solver, system, _ = CASES[name]
    other = exact() if name == "tdvp" else tdvp()
    ask = method_of(Deck(system=system, solver=solver))
    with pytest.raises(TypeError, match=f"`deck.solver` must be .* {type(other).__name__}"):
        ask(Deck(system=system, solver=other))


def test_a_part_of_a_run_follows_the_protocol_too():
    solver, _, system = CASES["dephasing_kicks"]
    with pytest.raises(ConfigError, match="`couplings` must be ZZ"):
        batch(range(1))(Deck(system=system, solver=solver))


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("tdvp", {"jax", "flax"}),
        ("exact", {"qutip"}),
        ("exact_reduced", set()),
        ("mcwf", {"qutip"}),
        ("mpo", {"tenpy"}),
        ("moments", set()),
    ],
)
def test_choosing_a_solver_imports_only_it(name, needed):
    code = (
        "import pkgutil, sys; from opentdvp.running.solvers import SOLVERS; heavy = "
        "{'jax', 'flax', 'qutip', 'tenpy'}; assert not heavy & set(sys.modules); "
        f"pkgutil.resolve_name(SOLVERS[{name!r}]); print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(sorted(needed))
