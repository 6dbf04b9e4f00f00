"""A network from a user's own file, from the configuration to a right-hand side."""

from functools import partial

import jax
import numpy as np
import pytest
from pydantic import ValidationError
from solvers import tdvp
from systems import heisenberg_ring

from opentdvp.config import Deck
from opentdvp.engine.compiled import check
from opentdvp.engine.networks import build_network
from opentdvp.engine.tdvp import derivative
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
    result = jax.jit(partial(derivative, case.problem(solver)))(
        case.theta, case.theta, jax.random.key(0)
    )
    assert (float(result.diagnostics["residual"]) < 1e-12) == memory
    assert float(result.diagnostics["rank"]) == (15 if memory else 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Chain"}, "`network.name` must be a subclass of Autoregressive in .*Chain"),
        ({"name": "nn"}, "`network.name` must be a subclass of Autoregressive in .*nn"),
        ({"width": 3}, "`network.options` must be fields of Markov: .*width"),
        ({"text": "class Markov(:"}, "`network.file` must be a Python file that .* fails"),
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
    assert Deck.model_validate_json(other.canonical()).run_id == other.run_id
    with pytest.raises(ValidationError, match=r"`sha256` must be that of .*markov\.py"):
        Deck.model_validate_json(first.canonical())


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
    ],
)
def test_custom_network_that_does_not_begin_in_the_start_state_is_refused(custom, change, message):
    solver = tdvp(network=custom(MARKOV.replace(*change)), orbit="none")
    if message is None:
        check(PAIR, solver)
        return
    with pytest.raises(ConfigError, match=f"`network` {message}"):
        check(PAIR, solver)
