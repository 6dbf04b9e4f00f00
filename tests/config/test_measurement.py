"""Measurements of a configuration: systems of their own, with the runs that they come from."""

import pytest
import yaml
from pipeline import TINY

from opentdvp import config
from opentdvp.config import Deck, Run, Study
from opentdvp.errors import ConfigError

MORE = {"magnetization": ["Z"], "correlators": {"XY": [1]}, "strings": ["X@0 Z@2"]}


def study(**changes):
    """The tiny configuration with one measurement, and its errors as a user sees them."""
    tree = yaml.safe_load(TINY.read_text())
    keys = {"system": "ring_3", "solvers": ["tdvp"], "observables": MORE} | changes
    return tree | {"measurements": {"more": keys}}


def test_only_measured_runs_have_the_identity_of_a_measurement():
    found = Study.model_validate(study(samples=50, time={"times": [0.02, 0.1]}))
    tdvp, exact = (found.deck(Run(system="more", solver=name)) for name in ("tdvp", "exact"))
    evolution = found.deck(Run(system="ring_3", solver="tdvp"))
    assert tdvp.measured_from == evolution.run_id
    assert exact.measured_from is None
    assert tdvp.solver.sampling.observables == 50
    assert tdvp.system == exact.system
    assert tdvp.system.time.values.tolist() == [0.02, 0.1]
    assert tdvp.system.couplings == evolution.system.couplings
    assert Deck.model_validate_json(tdvp.canonical()).run_id == tdvp.run_id
    assert found.evolution(Run(system="more", solver="exact")) is None


def test_decks_without_measurements_are_as_they_were():
    with_, without = (Study.model_validate(t) for t in (study(), yaml.safe_load(TINY.read_text())))
    run = Run(system="ring_3", solver="tdvp")
    assert with_.deck(run).canonical() == without.deck(run).canonical()
    assert "measured" not in without.deck(run).canonical()


def test_evolutions_of_measured_runs_are_used():
    tree = study()
    for role in ("candidate", "reference"):
        tree["comparisons"]["ring_3"][role]["system"] = "more"
    del tree["comparisons"]["ring_3"]["published"]
    tree["figures"], tree["scans"], tree["panels"] = {}, {}, {}
    places = Study.model_validate(tree).places()
    assert places == {
        Run(system="more", solver="tdvp"): "comparisons.ring_3.candidate",
        Run(system="more", solver="exact"): "comparisons.ring_3.reference",
        Run(system="ring_3", solver="tdvp"): "measurements.more",
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"system": "ring_4"}, "`measurements.more.system` must be one of ring_3, but is ring_4"),
        ({"solvers": ["net"]}, "`measurements.more.solvers.0` must be one of exact, tdvp"),
        ({"solvers": ["tdvp", "tdvp"]}, "`measurements.more.solvers` must be different"),
        ({"observables": {"strings": ["Z@7"]}}, "`measurements.more.observables.strings.0` must"),
        ({"time": {"times": [30]}}, "`measurements.more.time` must end where the run does"),
        ({"samples": 10, "solvers": ["exact"]}, "`measurements.more.samples` must be left out"),
    ],
)
def test_errors_name_the_key(tmp_path, changes, said):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(study(**changes)))
    with pytest.raises(ConfigError) as error:
        config.load(path)
    assert said in str(error.value)


def test_a_measurement_has_a_name_of_its_own(tmp_path):
    tree = study()
    tree["measurements"] = {"ring_3": tree["measurements"]["more"]}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(tree))
    with pytest.raises(ConfigError, match=r"`measurements\.ring_3` must not redefine"):
        config.load(path)
