"""Values of a configuration: what is refused, what is read as meant, and what errors say."""

from pathlib import Path

import numpy as np
import pytest
from pipeline import TINY
from pydantic import ValidationError
from systems import free_spins

from opentdvp import config
from opentdvp.config import Deck
from opentdvp.errors import ConfigError
from opentdvp.references.trajectories.pure_states import spin_amplitudes

SYSTEM, SOLVER = "`systems.ring_3", "`solvers.tdvp"


@pytest.fixture
def load(tmp_path):
    """Load the tiny configuration with a piece of its text replaced."""

    def load(old, new):
        text = TINY.read_text()
        assert old in text
        path = tmp_path / "config.yaml"
        path.write_text(text.replace(old, new, 1))
        return config.load(path)

    return load


@pytest.fixture
def refusal(load):
    """The one line that a replaced piece of text is refused with."""

    def refusal(old, new):
        with pytest.raises(ConfigError) as caught:
            load(old, new)
        message = str(caught.value)
        assert "\n" not in message
        for jargon in ("Input should", "Value error", "pydantic", "valid tuple", "^["):
            assert jargon not in message
        return message

    return refusal


@pytest.mark.parametrize("given", ["on", "yes", "true", "'1'", "010", "1:30", "", "1_0"])
@pytest.mark.parametrize(
    ("old", "key", "kind"),
    [
        ("rate: 1.0", "jumps.0.rate", "number such as 0.5"),
        ("XX: 2.0", "couplings.XX", "number such as 0.5"),
        ("{Z: 1.0}", "fields.Z", "number such as 0.5"),
        ("stop: 0.1", "time.stop", "number such as 0.5"),
        ("points: 6", "time.points", "whole number such as 6"),
    ],
)
def test_numbers_are_strict(refusal, old, key, kind, given):
    name = old.strip("{}").partition(":")[0]
    new = f"{{{name}: {given}}}" if old.startswith("{") else f"{name}: {given}"
    said = refusal(old, new)
    if new == "rate: ":
        assert f"{SYSTEM}.{key}` is required" in said
    else:
        assert f"{SYSTEM}.{key}` must be a {kind}" in said


@pytest.mark.parametrize("given", ["yes", "1", "'true'", "on"])
def test_truth_is_true_or_false(refusal, given):
    expected = f"{SYSTEM}.lattice.periodic` must be true or false"
    assert expected in refusal("periodic: true", f"periodic: {given}")


def test_whole_numbers_may_have_an_exponent(load):
    assert load("points: 6", "points: 1e3").systems["ring_3"].time.points == 1000


@pytest.mark.parametrize("given", [".inf", "-.inf", ".nan", "1e400", "1e300", "9" * 400])
@pytest.mark.parametrize(
    "place",
    [
        "rate: 1.0",
        "XX: 2.0",
        "stop: 0.1",
        "{Y: -1}",
        "drift_limit: 0.5",
        "recurrent_scale: 0.7",
        "eigenvalue_cutoff: 1.0e-4",
        "uncertainty: 0.01",
        "times: [0.05, 0.1]",
        "values: [-0.1, -0.1]",
        "magnetization: 0.1",
        "operator: sigma_minus",
        "r6: 1.0e-6",
    ],
)
def test_no_number_is_infinite_or_overflows(refusal, place, given):
    name = place.strip("{}").partition(": ")[0]
    given = {"times": f"[0.05, {given}]", "values": f"[0.1, {given}]"}.get(name, given)
    given = f"[[0, 1], [{given}, 0]]" if name == "operator" else given
    new = f"{{{name}: {given}}}" if place.startswith("{") else f"{name}: {given}"
    assert any(word in refusal(place, new) for word in ("finite", "at most", "at least", "Bloch"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rate: 1.0", "rate: 1.0, sites: [0, 0]", f"{SYSTEM}.jumps.0.sites` must name different"),
        ("rate: 1.0", "rate: 1.0, sites: []", f"{SYSTEM}.jumps.0.sites` must name different"),
        ("rate: 1.0", "rate: 1.0, sites: 0", "jumps.0.sites` must be a list such as [0], but is 0"),
        ("rate: 1.0", "rat: 1.0", "jumps.0.rat` is not a known key (did you mean rate?)"),
        ("size: [3]", "size: 3", "lattice.size` must be a list such as [3], but is 3"),
        ("size: [3]", "size: [20000]", "lattice.size` must be at most 10000 sites"),
        ("points: 6", "points: 1000000000", "time.points` must be at most 1e+06"),
        ("{Y: -1}", "{}", f"{SYSTEM}.start` must have one of X, Y, Z"),
        ("{Y: -1}", "[]", f"{SYSTEM}.start` must have 3 entries, one for each site, but has 0"),
        ("{Y: -1}", "{y: -1}", "start.y` is not a known key (did you mean Y?)"),
        ("{Y: -1}", "{X: 0.70711, Y: 0.70711}", "length is 1.00000455 (a pure state needs six"),
        (
            "XX: 2.0",
            "X: 2.0",
            "couplings.X` must be two of X, Y, Z, such as XY, or three on a chain",
        ),
        (
            "jumps:",
            "terms: [{operators: XYZX, sites: [0, 1, 2, 3], strength: 1}]\n    jumps:",
            "terms.0.operators` must be one to three of X, Y, Z",
        ),
        ("  ring_3:", f"  {'r' * 300}:", "must have at most 100 characters"),
        ("  ring_3:", "  'my ring':", "`systems.my ring` must be a name of letters, digits and _"),
        ("method: tdvp", "method: tdpv", f"{SOLVER}.method` must be one of exact, "),
        ("method: tdvp", "method: [tdvp]", f"{SOLVER}.method` must be one of exact, "),
        ("kind: recurrent", "kind: recurent", f"{SOLVER}.network.kind` must be one of"),
        ("kind: recurrent, ", "", f"{SOLVER}.network.kind` is required, but is missing"),
        ("width: 4", "width: x", f"{SOLVER}.network.width` must be a whole number"),
        ("width: 4, ", "", f"{SOLVER}.network.width` is required, but is missing"),
        ("minimal_step: 1.0e-6", "minimal_step: 0.01", "initial_step` must be between minimal_ste"),
        ("maximal_step: 0.02", "maximal_step: 1e-4", "initial_step` must be between minimal_step"),
        ("label: TDVP", "label: 5", "rows.0.label` must be text (in quotes if it is a number)"),
        (r"time_label: $\gamma t$", r"time_label: $\gamma t", "time_label` must close every $"),
        ("range: [1.0e-4, 0.1]", "range: [0.1, 1.0e-4]", "heatmap.range` must ascend"),
        ("times: [0.05, 0.1]", "times: [0.1, 0.05]", "elsewhere.times` must ascend"),
        ("pairs: [XX, ZZ]", "pairs: [XX, ZQ]", "`figures.scan.correlators.pairs.1` must be two"),
        (
            "rows: [{run: {system: ring_3",
            "rows: [{run: {system: r",
            "heatmap.rows.0.run.system` must",
        ),
    ],
)
def test_errors_say_the_key_and_what_it_must_be(refusal, old, new, message):
    assert message in refusal(old, new)


@pytest.mark.parametrize(
    ("written", "entry"),
    [
        ("1i", 1j),
        ("i", 1j),
        ("-j", -1j),
        ("0.5-2j", 0.5 - 2j),
        ("0.5 - 2i", 0.5 - 2j),
        (" 1e-3 +2.5e1j ", 1e-3 + 25j),
        ("3", 3),
        (2.5, 2.5),
        (-2j, -2j),
    ],
)
def test_complex_entries_are_read_as_people_write_them(written, entry):
    jump = {"operator": [[0, written], [1, 0]], "rate": 1.0}
    assert free_spins(jumps=[jump]).jumps[0].operator == ((0, entry), (1, 0))


@pytest.mark.parametrize(
    "entry", ["", "1 2", "nan", "inf", "1e400j", "a", "1_0", "(1j)", float("nan"), True, None, [1]]
)
def test_entries_that_are_no_finite_number_are_refused(entry):
    jump = {"operator": [[0, 1], [1, entry]], "rate": 1.0}
    with pytest.raises(ValidationError, match=r'numbers such as 2, 0.5, "1j"|has the shape'):
        free_spins(jumps=[jump])


def test_jump_that_does_nothing_is_refused():
    with pytest.raises(ValidationError, match="must not be zero everywhere"):
        free_spins(jumps=[{"operator": [[0, "0j"], [0, 0]], "rate": 1.0}])


@pytest.mark.parametrize("digits", [6, 7, 8, 10])
def test_pure_states_may_be_typed_with_few_digits(digits):
    """All solvers see the same pure state, though its digits are rounded."""
    bloch = np.array([1, -2, 3]) / np.sqrt(14)
    start = dict(zip("XYZ", np.round(bloch, digits).tolist(), strict=True))
    system = free_spins(start=start)
    assert np.linalg.norm(system.start.bloch) == pytest.approx(1, abs=1e-12)
    assert system.start.bloch == pytest.approx(bloch, abs=2 * 10.0**-digits)
    state = spin_amplitudes(np.array(system.start.bloch))
    assert 2 * (state[0].conj() * state[1]).real == pytest.approx(system.start.X, abs=1e-12)


@pytest.mark.parametrize("bloch", [(0.48, -0.64, 0.6), (0.0, 0.0, 0.0), (0.3, 0, 0.1), (0, -1, 0)])
def test_start_states_that_need_no_rounding_stay_as_they_are(bloch):
    start = dict(zip("XYZ", bloch, strict=True))
    assert free_spins(start=start).start.bloch == bloch


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            "kind: convolution, kernels: [3, 2]",
            "network.kernels` must be odd lengths, but are [3, 2]",
        ),
        ("kind: convolution, kernels: []", "network.kernels` must have at least 1 entry"),
        ("kind: convolution, kernels: 3", "network.kernels` must be a list such as"),
        ("kind: convolution, kernels: [0]", "network.kernels.0` must be at least 1"),
        ("kind: convolution, kernels: [3], weight: 2", "network.weight` is not a known key"),
        ("kind: hybrid, kernels: [3]", "network.weight` is required, but is missing"),
        ("kind: convolution, kernels: [3]", "orbit` must be left out for the network convolution"),
    ],
)
def test_layers_of_a_convolution_are_checked(refusal, network, message):
    old = "kind: recurrent, cell: vanilla, width: 4, depth: 1, activation: tanh, output: shared, "
    shape = f"{network}, channels: 4, activation: tanh, hidden_scale: 1.0"
    assert message in refusal(f"{old}recurrent_scale: 0.7", shape)


def test_deck_with_a_rounded_start_is_the_same_when_read_again(load):
    study = load("{Y: -1}", "{X: 0.7071068, Z: 0.7071068}")
    deck = study.deck(config.Run(system="ring_3", solver="exact"))
    assert Deck.model_validate_json(deck.canonical()).canonical() == deck.canonical()


def test_archived_decks_are_read_as_they_were_written():
    """A run id is the hash of what a deck is written as."""
    trajectory = pytest.importorskip("opentdvp.records.trajectory")
    files = sorted((Path(__file__).parents[2] / "results").rglob("*.h5"))
    assert files
    for path in files:
        deck = trajectory.read(path).deck
        assert Deck.model_validate_json(deck).canonical() == deck
