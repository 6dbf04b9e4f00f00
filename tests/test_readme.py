import re
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pipeline import copy_workflow, planned
from solvers import tdvp
from systems import heisenberg_ring

from opentdvp import config
from opentdvp.config.networks import CustomNetwork
from opentdvp.engine.ansatz.autoregressive import initial_parameters, log_probability
from opentdvp.engine.ansatz.configured import build_network
from opentdvp.engine.assembly import assemble
from opentdvp.engine.principle.right_hand_side import derivative
from opentdvp.engine.sampling.ensemble import Purpose
from opentdvp.running.solvers import check

ROOT = Path(__file__).parents[1]

OWN_NETWORK = ROOT / "docs" / "own_network.md"


def own_system():
    """The example of the README."""
    example = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return example[1]


def test_example_of_an_own_system_is_valid(tmp_path):
    (tmp_path / "mine.yaml").write_text(own_system())
    study = config.load(tmp_path / "mine.yaml")
    assert [run.solver for run in study.used()] == ["network", "exact"]
    for run in study.used():
        check(study.deck(run))
    (panel,) = study.figures["mine"].panels
    assert panel.curves == (("X", 0), ("Y", 0), ("Z", 0))


def test_example_of_an_own_system_has_ten_lines_that_are_read_at_a_glance():
    lines = own_system().splitlines()
    assert len(lines) <= 10
    assert max(map(len, lines)) <= 112


def test_example_of_an_own_system_plans_its_own_runs(tmp_path):
    folder = copy_workflow(tmp_path)
    (folder / "mine.yaml").write_text(own_system())
    jobs = planned(folder, "--configfile", "mine.yaml")
    runs = {("evolve", "system=mine, solver=network"), ("solve", "system=mine, solver=exact")}
    assert jobs == runs | {("compare", "comparison=mine"), ("plot", "figure=mine")}


def test_example_of_taken_entries_has_these_alone(tmp_path):
    text = (ROOT / "config" / "README.md").read_text()
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (tmp_path / "mine.yaml").write_text(re.search(r"```yaml\n(extends.*?)```", text, re.DOTALL)[1])
    study = config.load(tmp_path / "mine.yaml")
    assert list(study.systems) == ["heisenberg_ring_10"]
    assert {run.solver for run in study.used()} == set(study.solvers)
    assert not study.figures
    assert study.archive is None


@pytest.mark.parametrize(("precision", "rel"), [("double", 1e-12), ("single", 1e-6)])
def test_example_of_an_own_network_starts_as_the_product_state(tmp_path, precision, rel):
    example = re.search(r"```python\n(.*?)```", OWN_NETWORK.read_text(), re.DOTALL)
    path = tmp_path / "markov.py"
    path.write_text(example[1])
    settings = CustomNetwork(kind="custom", file=str(path), name="Markov", options={"width": 8})
    start = np.array([0.4, 0.3, 0.2, 0.1])
    network = build_network(settings, start, (5,))
    parameters = initial_parameters(network, jax.random.key(0))
    if precision == "single":
        parameters = jax.tree.map(lambda values: values.astype(jnp.float32), parameters)
    outcomes = jnp.array([[0, 3, 2, 1, 1]]).T
    log_p = log_probability(network, parameters, outcomes)
    assert np.exp(log_p[0]) == pytest.approx(0.4 * 0.1 * 0.2 * 0.3 * 0.3, rel=rel)


def test_example_of_an_energy_network_is_symmetric_and_follows_the_dynamics(tmp_path):
    """One right-hand side from the product start state, and the point group by averaging."""
    example = re.findall(r"```python\n(.*?)```", OWN_NETWORK.read_text(), re.DOTALL)
    path = tmp_path / "neighbours.py"
    path.write_text(example[1])
    network = {"kind": "custom", "file": str(path), "name": "Neighbours", "options": {"width": 4}}
    solver = tdvp(network=network, orbit=None, forgetting_bound=None)
    system = heisenberg_ring(5)
    check(config.Deck(system=system, solver=solver))
    parts = assemble(system, solver, jax.random.key(0))
    ansatz = parts.problem.ansatz
    theta = parts.theta + 0.3 * jax.random.normal(jax.random.key(1), parts.theta.shape)
    outcomes = jax.random.randint(jax.random.key(2), (20, 5), 0, 4, jnp.int32)
    images = jnp.array(ansatz.symmetries.images(outcomes))
    log_p = jax.vmap(lambda a: ansatz.log_probability(ansatz.unravel(theta), a.T), 1)(images)
    assert images.shape[1] == 10
    assert np.std(log_p[0]) > 0.1
    np.testing.assert_allclose(log_p, np.broadcast_to(log_p[0], log_p.shape), atol=1e-6)
    _, ensemble = parts.problem.sampler.draw(Purpose.SOLVE, theta, {}, jax.random.key(0))
    residual = derivative(parts.problem, theta, ensemble).diagnostics["residual"]
    assert 0 < residual < 0.9


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("README.md", "docs/paper/fig2ab.png"),
        ("docs/own_network.md", "jastrow.md"),
        ("docs/results.md", "../config/README.md"),
        ("docs/speed.md", "benchmarks/peer.md"),
    ],
)
def test_linked_files_are_there(name, known):
    path = ROOT / name
    links = re.findall(r"\]\((?!http)([^)#]+)(?:#[^)]*)?\)", path.read_text())
    assert known in links
    missing = [link for link in links if not (path.parent / link).exists()]
    assert not missing


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200
