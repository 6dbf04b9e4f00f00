"""A network from a user's own file, from the configuration to a right-hand side."""

import json
import os
from pathlib import Path

import jax
import numpy as np
import pytest
from pydantic import ValidationError
from solvers import direct, jastrow, tdvp
from systems import heisenberg_ring

from opentdvp.config import Deck
from opentdvp.config.start import Bloch
from opentdvp.engine.ansatz.configured import build_network
from opentdvp.engine.assembly import assemble, check
from opentdvp.engine.principle.right_hand_side import derivative
from opentdvp.engine.sampling.ensemble import Purpose
from opentdvp.errors import ConfigError

START = np.array([0.1, 0.2, 0.3, 0.4])
PAIR = heisenberg_ring(2, lattice={"kind": "chain", "size": [2], "periodic": False})

MARKOV = '''
"""A Markov chain; with `memory: false`, equal independent sites."""

import flax.linen as nn
import jax.numpy as jnp

from opentdvp.engine.ansatz import Autoregressive


class Markov(Autoregressive):
    memory: bool = True

    def initial_carry(self, batch, dtype):
        return ()

    @nn.compact
    def __call__(self, carry, previous, site):
        # The last column, number −1, is for no outcome before.
        table = self.param("table", nn.initializers.zeros, (4, 5), jnp.float64)
        logits = table[:, previous if self.memory else jnp.zeros_like(previous)]
        start = jnp.log(jnp.array(self.start)).reshape(-1, *(1,) * previous.ndim)
        return carry, nn.log_softmax(start + logits, axis=0)
'''


@pytest.fixture
def custom(tmp_path):
    """Settings of a network from a file with this text."""

    def write(text=MARKOV, name="Markov", file="markov.py", **options):
        path = tmp_path / file
        path.write_text(text)
        return {"kind": "custom", "file": str(path), "name": name, "options": options}

    return write


@pytest.mark.parametrize("memory", [True, False])
def test_custom_network_follows_what_it_can_represent(setting, custom, memory):
    """Two sites: the Markov chain is every distribution, and independent sites are few."""
    solver = tdvp(network=custom(memory=memory), orbit="none", eigenvalue_cutoff=1e-12)
    case = setting(PAIR, solver)
    assert case.theta.size == 20
    assert case.distribution.sum() == pytest.approx(1, abs=1e-12)
    result = case.solution(solver)(jax.random.key(0))
    assert (float(result.diagnostics["residual"]) < 1e-12) == memory
    assert float(result.diagnostics["rank"]) == (15 if memory else 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"name": "Chain"},
            "`network.name` must be a subclass of Autoregressive or EnergyNetwork in .*Chain",
        ),
        (
            {"name": "nn"},
            "`network.name` must be a subclass of Autoregressive or EnergyNetwork in .*nn",
        ),
        ({"width": 3}, "`network.options` must be fields of Markov: .*width"),
        ({"text": "class Markov(:"}, "`network.file` must be a Python file that .* fails"),
        ({"text": "raise SystemExit"}, "`network.file` must be a Python file that .* fails"),
        ({"text": "import nothing_like_it"}, "`network.file` must be a Python file that .* fails"),
        ({"text": MARKOV.replace("(Auto", "(Otto")}, "`network.file` must be .*Ottoregressive"),
        ({"file": "markov.txt"}, "`network.file` must be a Python file, but is .*markov.txt"),
    ],
)
def test_custom_network_that_cannot_be_made_is_refused(custom, changes, message):
    settings = tdvp(network=custom(**changes)).network
    with pytest.raises(ConfigError, match=message):
        build_network(settings, START, (3,))


def test_custom_network_may_postpone_its_annotations(custom):
    text = "from __future__ import annotations\n" + MARKOV.replace('"""', "#")
    network = build_network(tdvp(network=custom(text)).network, START, (3,))
    assert network.start == tuple(START)
    assert network.memory


def test_file_that_is_missing_is_refused(tmp_path):
    settings = {"kind": "custom", "file": str(tmp_path / "none.py"), "name": "Markov"}
    with pytest.raises(ValidationError, match=r"`file` must be readable, but is .*none\.py"):
        tdvp(network=settings)


def test_changed_file_is_another_run(custom):
    def deck(text):
        return Deck(system=PAIR, solver=tdvp(network=custom(text)))

    first, again, other = (deck(text) for text in (MARKOV, MARKOV, MARKOV + "\n"))
    assert first.run_id == again.run_id != other.run_id
    for run in (first, other):
        assert Deck.model_validate_json(run.canonical()).run_id == run.run_id


def test_place_of_the_file_is_no_part_of_the_run(custom):
    decks = [
        Deck(system=PAIR, solver=tdvp(network=custom(file=file)))
        for file in ("markov.py", "again.py")
    ]
    assert decks[0].run_id == decks[1].run_id
    assert "file" not in decks[0].model_dump()["solver"]["network"]
    assert "again" not in decks[1].canonical()


@pytest.mark.parametrize("change", [lambda path: path.write_text(MARKOV + "\n"), Path.unlink])
def test_file_that_changed_since_it_was_named_is_refused(custom, change):
    """Else a run would have the identity of another network."""
    settings = tdvp(network=custom()).network
    change(Path(settings.file))
    with pytest.raises(ConfigError, match=r"`network.file` must have the SHA-256 .*markov.py has"):
        build_network(settings, START, (3,))


def test_deck_of_a_file_is_readable_without_it(custom):
    """Decks of former versions name the file, too."""
    deck = Deck(system=PAIR, solver=tdvp(network=custom()))
    again = Deck.model_validate_json(deck.canonical())
    with pytest.raises(ConfigError, match=r"`network.file` is required"):
        build_network(again.solver.network, START, (3,))
    tree = json.loads(deck.canonical())
    tree["solver"]["network"]["file"] = "nowhere/markov.py"
    assert Deck.model_validate(tree).run_id == deck.run_id


def test_same_second_and_size_is_no_excuse_for_old_code(custom):
    """Python's cache of compiled files knows a file by its time and size."""
    names = {}
    for first in ("Markov", "Morkav"):
        settings = custom(MARKOV.replace("Markov", first), name=first)
        os.utime(settings["file"], (1e9, 1e9))
        names[first] = type(build_network(tdvp(network=settings).network, START, (3,))).__name__
    assert names == {"Markov": "Markov", "Morkav": "Morkav"}


def test_a_check_runs_the_file_of_a_network_once(custom, tmp_path):
    """A second time it would fail."""
    once = f"import os\n\nos.mkdir({str(tmp_path / 'made')!r})\n"
    check(PAIR, tdvp(network=custom(once + MARKOV), orbit="none"))
    assert (tmp_path / "made").is_dir()


TERMS = '''
import flax.linen as nn
import jax.numpy as jnp

from opentdvp.engine.ansatz import EnergyNetwork


class Pairs(EnergyNetwork):
    """Any function of two neighbours, which a reflection is not a symmetry of."""

    scale: float = 0.0
    reach = 1

    @nn.compact
    def __call__(self, letters):
        one = jnp.ones((*letters.shape[:-1], 1), letters.dtype)
        here = jnp.concatenate([one, letters], axis=-1)
        table = self.param("table", nn.initializers.constant(self.scale), (4, 4))
        return jnp.einsum("bia,bic,ac->bi", here[:, 1:-1], here[:, 2:], table)
'''


def energy(custom, text=TERMS, **changes):
    """A solver with an energy network from a file."""
    network = custom(text, name="Pairs", file="pairs.py")
    return tdvp(network=network, **{"orbit": None, "forgetting_bound": None} | changes)


def test_own_energy_network_is_the_strings_that_it_can_represent(custom):
    """Averaged over reflections it has the one-site strings and nearest neighbours' pairs."""
    system = heisenberg_ring(5)
    own = assemble(system, energy(custom), jax.random.key(0)).problem
    strings = assemble(system, jastrow(2, 2, 2), jax.random.key(0)).problem
    changes = []
    for problem in (own, strings):
        theta = problem.ansatz.theta
        _, ensemble = problem.sampler.draw(Purpose.SOLVE, theta, {}, jax.random.key(0))
        velocity = derivative(problem, theta, ensemble).velocity
        log_derivatives = problem.ansatz.log_derivatives(
            problem.ansatz.unravel(theta), ensemble.outcomes
        )
        change = log_derivatives @ velocity
        changes.append(change - ensemble.weights @ change)
    np.testing.assert_allclose(changes[0], changes[1], atol=1e-8)
    assert np.abs(changes[0]).max() > 0.1


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        (TERMS, {"orbit": "all"}, "`orbit` must be left out for the network custom"),
        (TERMS, {"forgetting_bound": 0}, "`forgetting_bound` must be left out"),
        (TERMS, {"sampling": direct()}, "`sampling.kind` must be chains or enumeration"),
        (
            TERMS.replace("scale: float = 0.0", "scale: float = 0.5"),
            {},
            "Pairs must be zero with fresh parameters, the start state, but is",
        ),
        (TERMS.replace("here[:, 1:-1], here[:, 2:]", "here, here"), {}, r"but has \(8, 4\)"),
        (TERMS.replace("reach = 1", ""), {}, "Pairs must have terms .* fails: NotImplemented"),
        (TERMS.replace("jnp.ones", "jnp.once"), {}, "Pairs must have terms .* fails: Attribute"),
    ],
)
def test_own_energy_network_that_does_not_fit_is_refused(custom, text, changes, message):
    with pytest.raises(ConfigError, match=message):
        check(heisenberg_ring(5), energy(custom, text, **changes))


def test_own_recurrent_network_needs_an_orbit(custom):
    solver = tdvp(network=custom(), orbit=None)
    with pytest.raises(ConfigError, match="`orbit` is required for the network custom"):
        check(PAIR, solver)


BY_SITE = MARKOV.replace("jnp.log(jnp.array(self.start))", "self.log_start(site)")
UNEVEN = PAIR.model_copy(update={"start": (Bloch(Z=0.5), Bloch(X=0.5))})


def test_own_network_that_asks_for_the_start_of_each_site_may_have_any(custom):
    check(UNEVEN, tdvp(network=custom(BY_SITE), orbit="none"))
    check(PAIR, tdvp(network=custom(BY_SITE), orbit="none"))


def test_own_network_that_knows_one_start_is_told_how_to_know_more(custom):
    with pytest.raises(ConfigError, match=r"`network` Markov must have .*`self.log_start\(site\)`"):
        check(UNEVEN, tdvp(network=custom(), orbit="none"))


def test_raster_network_on_a_chain_is_refused():
    with pytest.raises(ConfigError, match="must be recurrent on the chain"):
        build_network(tdvp(kind="raster").network, START, (4,))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("start + logits", "logits"), r"Markov must have .* start .* with fresh .*0\.25"),
        (("zeros, (4", "ones, (4"), None),
        (
            ("log_softmax(start + logits, axis=0)", "softplus(logits)"),
            r"Markov must have .* \(2, 2, 2, 2\) at site 0",
        ),
        (("axis=0)", "axis=0)[:3]"), r"Markov must have log-conditionals of the shape \(4"),
        (("return carry, ", "return "), "Markov must have log-conditionals.* fails"),
        (("def initial_carry", "def no_carry"), "Markov must have .* fails: NotImplementedError"),
    ],
)
def test_custom_network_that_does_not_begin_in_the_start_state_is_refused(custom, change, message):
    solver = tdvp(network=custom(MARKOV.replace(*change)), orbit="none")
    if message is None:
        check(PAIR, solver)
        return
    with pytest.raises(ConfigError, match=f"`network` {message}"):
        check(PAIR, solver)
