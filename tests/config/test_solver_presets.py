"""Presets of solvers are numbers before anything else sees them."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import yaml
from pipeline import TINY
from solvers import solved
from systems import confinement_ring, heisenberg_ring

from opentdvp import config
from opentdvp.config.presets import with_presets
from opentdvp.config.reading import read_yaml
from opentdvp.config.solver import Solver
from opentdvp.errors import ConfigError
from opentdvp.running.solvers import SOLVERS, check

PRESETS = read_yaml(Path(config.__file__).with_name("presets.yaml"))
NAMED = [(method, name) for method in PRESETS for name in PRESETS[method]]
OPEN = {"kind": "chain", "size": (2,), "periodic": False}


@pytest.fixture
def solver(tmp_path):
    """The validated settings of a solver in an otherwise tiny configuration."""

    def load(scans=None, **keys):
        tree = {"systems": yaml.safe_load(TINY.read_text())["systems"], "solvers": {"mine": keys}}
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(tree | {"scans": scans or {}}))
        return config.load(path).solvers["mine"]

    return load


def test_every_method_has_both_presets():
    assert set(PRESETS) == set(SOLVERS)
    assert all(set(names) == {"quick", "accurate"} for names in PRESETS.values())


@pytest.mark.parametrize(("method", "name"), NAMED)
def test_a_preset_is_its_numbers(solver, method, name):
    """The deck, and so the run id, is that of the numbers; the word is not in it."""
    system = heisenberg_ring(3)
    named = config.Deck(system=system, solver=solver(method=method, preset=name))
    written = config.Deck(system=system, solver=solver(method=method, **PRESETS[method][name]))
    assert "preset" not in named.canonical()
    assert named.run_id == written.run_id


@pytest.mark.parametrize("n_sites", range(2, 7))
@pytest.mark.parametrize(("method", "name"), NAMED)
def test_presets_fit_small_chains(solver, method, name, n_sites):
    changes = {"lattice": OPEN, "observables": {}} if n_sites == 2 else {"observables": {}}
    if method == "mps":
        changes["jumps"] = []
    build = confinement_ring if method == "dephasing_kicks" else heisenberg_ring
    system = build(n_sites, **changes)
    check(config.Deck(system=system, solver=solver(method=method, preset=name)))


@pytest.mark.slow
@pytest.mark.parametrize("n_sites", [2, 4])
def test_the_quick_network_follows_the_exact_solution_of_few_spins(solver, n_sites):
    """Its windows and strings are larger than the lattice."""
    changes = {"lattice": OPEN} if n_sites == 2 else {}
    system = heisenberg_ring(n_sites, time={"stop": 0.3, "points": 4}, **changes)
    network = solved(system, solver(method="tdvp", preset="quick"))
    reference = solved(system, solver(method="exact", preset="accurate"))
    for name, observable in network.observables.items():
        np.testing.assert_allclose(observable.mean, reference.observables[name].mean, atol=0.008)


def test_keys_beside_a_preset_change_it(solver):
    plain = solver(method="tdvp", preset="quick")
    changes = {"seed": 3, "network": {"range": 4}, "sampling": {"moved": None}}
    changed = solver(method="tdvp", preset="quick", **changes)
    network = plain.network.model_copy(update={"range": 4})
    sampling = plain.sampling.model_copy(update={"moved": None})
    updates = {"seed": 3, "network": network, "sampling": sampling}
    assert changed == plain.model_copy(update=updates)


def test_a_mapping_of_another_kind_replaces_that_of_the_preset(solver):
    cholesky = {"method": "sample_space", "shift": 1e-6}
    found = solver(
        method="tdvp", preset="quick", sampling={"kind": "enumeration"}, regularization=cholesky
    )
    assert found.sampling.model_dump() == {"kind": "enumeration"}
    assert found.regularization.model_dump() == cholesky


def test_the_base_solver_of_a_scan_may_have_a_preset(tmp_path):
    run = {"system": "ring_3", "solver": "mine"}
    tolerance = {"magnetization": 1, "correlators": 1}
    scan = {"candidate": run, "reference": run, "tolerance": tolerance}
    tree = {
        "systems": yaml.safe_load(TINY.read_text())["systems"],
        "solvers": {"mine": {"method": "tdvp", "preset": "quick"}},
        "scans": {"size": scan | {"vary": {"network.weight": {"w3": 3, "w5": 5}}}},
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(tree))
    solvers = config.load(path).solvers
    assert solvers["size_w3"].network.weight == 3
    assert solvers["size_w5"] == solvers["mine"]


def test_a_preset_of_another_file_may_be_changed(tmp_path):
    base = {"systems": yaml.safe_load(TINY.read_text())["systems"]}
    base["solvers"] = {"mine": {"method": "moments", "preset": "quick"}}
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(base))
    changes = {"extends": "base.yaml", "solvers": {"mine": {"preset": "accurate", "weight": 4}}}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(changes))
    found = config.load(path).solvers["mine"].model_dump(exclude={"method", "pair_range"})
    assert found == PRESETS["moments"]["accurate"] | {"weight": 4}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"method": "exact", "preset": "accurat"},
            r"`solvers.mine.preset` must be one of quick, accurate, but is accurat \(did you mean",
        ),
        ({"method": "exact", "preset": None}, "`solvers.mine.preset` must be one of quick, accu"),
        ({"method": "exact", "preset": ["quick"]}, "`solvers.mine.preset` must be one of quick, a"),
        ({"method": "exakt", "preset": "quick"}, "`solvers.mine.method` must be one of exact, .*"),
        ({"preset": "quick"}, "`solvers.mine.method` is required, but is missing"),
        (
            {"method": "tdvp", "preset": "quick", "network": {"weight": 0}},
            "`solvers.mine.network.weight` must be at least 1, but is 0",
        ),
        (
            {"method": "tdvp", "preset": "quick", "network": {"width": 4}},
            "`solvers.mine.network.width` is not a known key",
        ),
        ({"method": "exact", "preset": "quick", "seed": 1}, "`solvers.mine.seed` is not a known"),
    ],
)
def test_wrong_presets_are_named(solver, keys, message):
    with pytest.raises(ConfigError, match=message):
        solver(**keys)


@pytest.mark.parametrize("garbage", [None, 3, [], {}, {"solvers": 3}, {"solvers": {"a": [1]}}])
def test_what_has_no_preset_stays_as_it_is(garbage):
    tree = {"solvers": garbage}
    assert with_presets(tree) == tree


def test_presets_hold_no_key_that_models_do_not_know():
    models = get_args(get_args(Solver)[0])
    known = {name for model in models for name in model.model_fields}
    assert {key for method, name in NAMED for key in PRESETS[method][name]} <= known
