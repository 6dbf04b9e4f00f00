"""Systems and solvers by keywords are those of a configuration: same decks, same run ids."""

import copy
import pickle

import numpy as np
import pytest
import yaml

import opentdvp as od
from opentdvp import config
from opentdvp.config.presets import with_presets
from opentdvp.errors import ConfigError

DECAY = {"jumps": [od.Jump("sigma_minus", 0.5)], "start": {"Z": 1}, "stop": 2}

CONFIGURED = """
lattice: {kind: square, size: [4, 3], periodic: [true, false]}
couplings: {XX: 1, ZZ: {strength: 0.5, neighbours: 2}}
fields: {Z: {strength: {alternating: [1, 2]}}}
terms: [{operators: XY, sites: [0, 5], strength: 0.1}]
jumps: [{operator: sigma_minus, rate: 1}, {operator: Z, rate: 0.5, sites: [0]}]
start: {pattern: neel, X: 1}
time: {stop: 2, points: 5}
observables: {correlators: {XX: [1]}}
"""


def test_a_system_has_the_deck_of_its_configuration():
    written = config.System.model_validate(yaml.safe_load(CONFIGURED))
    made = od.System.square(
        4,
        3,
        periodic=[True, False],
        couplings={"XX": 1, "ZZ": {"strength": 0.5, "neighbours": 2}},
        fields={"Z": {"strength": {"alternating": np.array([1, 2])}}},
        terms=[{"operators": "XY", "sites": [0, 5], "strength": 0.1}],
        jumps=[od.Jump("sigma_minus", 1), od.Jump("Z", np.float64(0.5), sites=[0])],
        start={"pattern": "neel", "X": 1},
        stop=2,
        points=5,
        observables={"correlators": {"XX": [1]}},
    )
    decks = [config.Deck(system=s, solver=od.Exact()) for s in (written, made)]
    assert decks[0].run_id == decks[1].run_id
    assert config.Deck.model_validate_json(decks[1].canonical()).run_id == decks[0].run_id
    assert made == written
    assert written == made
    assert made != written.model_copy(update={"terms": ()})


@pytest.mark.parametrize(
    ("solver", "method", "preset"),
    [
        (od.Tdvp, "tdvp", "quick"),
        (od.Exact, "exact", "quick"),
        (od.ExactReduced, "exact_reduced", "accurate"),
        (od.Moments, "moments", "quick"),
        (od.Mps, "mps", "quick"),
        (od.Mpo, "mpo", "accurate"),
        (od.Mcwf, "mcwf", "quick"),
        (od.DephasingKicks, "dephasing_kicks", "quick"),
    ],
)
def test_solvers_have_the_decks_of_their_presets(solver, method, preset):
    system = od.System.chain(4, **DECAY)
    keys = with_presets({"solvers": {"s": {"method": method, "preset": preset}}})["solvers"]["s"]
    written = config.Deck.model_validate({"system": system, "solver": keys})
    assert config.Deck(system=system, solver=solver.preset(preset)).run_id == written.run_id
    assert solver.preset(preset) == written.solver
    given = {key: value for key, value in keys.items() if key != "method"}
    assert solver(**given) == written.solver


def test_changes_of_a_preset_are_merged_or_replace_what_is_of_another_kind():
    changed = od.Tdvp.preset("quick", sampling={"solve": 512}, integrator={"maximal_step": 0.2})
    assert changed.sampling.solve == 512
    assert changed.sampling.sweeps == od.Tdvp.preset("quick").sampling.sweeps
    assert changed.integrator.maximal_step == 0.2
    assert od.Tdvp.preset("quick", sampling={"kind": "enumeration"}).sampling.kind == "enumeration"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: od.System.chain(4, start={"Z": 1}), "`stop` is required, or `times`"),
        (lambda: od.System.chain(4, coupling={"ZZ": 1}, **DECAY), "`coupling` is not a known key"),
        (lambda: od.System.chain(4, couplings={"ZQ": 1}, **DECAY), "must be two of X, Y, Z"),
        (lambda: od.System.chain(2, **DECAY), "use periodic: false"),
        (lambda: od.Jump("sigma_plus", -1.0), "`rate` must be at least 0, but is -1"),
        (lambda: od.Jump("sigma", 1.0), "`operator` must be one of sigma_minus"),
        (lambda: od.Tdvp.preset("fast"), "`preset` must be one of quick, accurate, but is fast"),
        (lambda: od.Tdvp(seed=1), "`network` is required, but is missing"),
        (lambda: od.Mpo.preset("quick", order=3), "`order` must be one of 2, 4, but is 3"),
    ],
)
def test_errors_name_the_key(make, message):
    with pytest.raises(ConfigError) as raised:
        make()
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_observed_without_being_named_fits_the_lattice():
    assert dict(od.System.chain(10, **DECAY).observables.correlators) == dict.fromkeys(
        ("XX", "YY", "ZZ"), (1, 2, 3, 4)
    )
    assert set(od.System.chain(3, **DECAY).observables.correlators.values()) == {(1,)}
    one = od.System.chain(1, periodic=False, **DECAY)
    assert not one.observables.correlators


def test_models_cannot_be_changed():
    """Neither their keys nor the mappings and lists in them, and a copy equals the original."""
    system = od.System.chain(4, couplings={"XX": 1}, fields={"Z": 1}, **DECAY)
    run_id = config.Deck(system=system, solver=od.Exact()).run_id
    for change in (
        lambda: setattr(system, "couplings", {}),
        lambda: setattr(system.time, "stop", 3.0),
    ):
        with pytest.raises(ValueError, match="frozen"):
            change()
    for change in (
        lambda: system.couplings.update(XX=2),
        lambda: system.fields.__setitem__("Z", 2),
        lambda: system.fields.pop("Z"),
        lambda: system.observables.correlators.clear(),
        lambda: system.couplings.__ior__({"ZZ": 1}),
        lambda: od.System.chain(3, start={"Z": 1}, stop=1).couplings.update(XX=2),
    ):
        with pytest.raises(TypeError, match="must not be changed; make a new one"):
            change()
    assert config.Deck(system=system, solver=od.Exact()).run_id == run_id
    assert copy.deepcopy(system) == pickle.loads(pickle.dumps(system)) == system
    assert hash(copy.copy(system)) == hash(system)
