"""Both geometries and all cells, against the formulas in NumPy and the reach of every outcome."""

from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from solvers import direct, tdvp
from systems import heisenberg_ring

from opentdvp.config.start import Bloch
from opentdvp.engine.ansatz.autoregressive import all_conditionals
from opentdvp.engine.povm.tetrahedron import start_probabilities

TORUS = {"kind": "square", "size": [3, 3], "periodic": True}
OPEN = {"kind": "square", "size": [3, 2], "periodic": False}
NETWORKS = [
    (heisenberg_ring(4), {"cell": "gated", "depth": 2}),
    (heisenberg_ring(4), {"output": "per_site"}),
    (heisenberg_ring(4), {"cell": "multiplicative"}),
    (heisenberg_ring(3, lattice=OPEN), {"kind": "raster", "cell": "multiplicative", "depth": 2}),
    (heisenberg_ring(3, lattice=OPEN), {"kind": "raster"}),
    (heisenberg_ring(3, lattice=OPEN), {"kind": "raster", "cell": "gated", "depth": 2}),
    (heisenberg_ring(3, lattice=TORUS), {"kind": "raster", "depth": 2, "activation": "elu"}),
]


def network_settings(**settings):
    """Solvers for systems of any size: nothing is enumerated."""
    return tdvp(width=3, orbit="none", sampling=direct(), **settings)


@pytest.mark.parametrize(("system", "settings"), NETWORKS)
def test_start_is_exactly_the_product_state(setting, system, settings):
    case = setting(system, network_settings(**settings), scale=0)
    one_site = (1 + case.povm.directions @ [0, -1, 0]) / 4
    product = one_site[np.asarray(case.outcomes)].prod(axis=1)
    np.testing.assert_allclose(case.distribution.ravel(), product, rtol=1e-12)


@pytest.mark.parametrize(("system", "settings"), NETWORKS[:5])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_start_may_differ_from_site_to_site(setting, system, settings, precision):
    """Also where sites share an output layer; their parameters are as many as ever."""
    angles = range(system.lattice.n_sites)
    starts = tuple(Bloch(X=0.8 * np.sin(k), Z=0.8 * np.cos(k)) for k in angles)
    solver = network_settings(**settings, precision=precision)
    case = setting(system.model_copy(update={"start": starts}), solver, scale=0)
    same = setting(system, solver, scale=0)
    assert case.theta.shape == same.theta.shape
    parameters = case.problem(solver).parameters(case.theta)
    found = np.exp(np.asarray(jax.jit(case.ansatz.log_probability)(parameters, case.outcomes)))
    start = start_probabilities(case.povm, case.model.bloch)
    product = reduce(np.multiply.outer, start).ravel()
    assert found.dtype == {"double": np.float64, "single": np.float32}[precision]
    np.testing.assert_allclose(found, product, rtol={"double": 1e-12, "single": 1e-5}[precision])


@pytest.mark.parametrize(("system", "settings"), NETWORKS)
def test_distribution_is_normalised(setting, system, settings):
    distribution = setting(system, network_settings(**settings)).distribution
    assert distribution.sum() == pytest.approx(1, abs=1e-12)
    assert distribution.std() > 0.1 * distribution.mean()


def next_state(layer, cell, signal, earlier, outcomes):
    """State of one layer from the states of earlier sites, by the formulas of `Cell`."""

    def affine(gate):
        kernel = layer[f"{gate}recurrent_kernel"]
        if cell == "multiplicative":
            kernel = np.stack(
                [kernel[:, 4 * n + outcome] for n, outcome in enumerate(outcomes)], axis=1
            )
        from_states = sum(kernel[:, n] @ state for n, state in enumerate(earlier))
        return layer[f"{gate}signal_kernel"] @ signal + layer[f"{gate}bias"], from_states

    from_signal, from_states = affine("")
    if cell != "gated":
        return np.tanh(from_signal + from_states)
    update, reset = (1 / (1 + np.exp(-sum(affine(gate)))) for gate in ("update_", "reset_"))
    new = np.tanh(from_signal + reset * from_states)
    return update * np.mean(earlier, axis=0) + (1 - update) * new


def log_conditionals(parameters, outcome, neighbours, cell):
    """log p at every site, (sites, 4); site i reads the sites i − n for every n of `neighbours`."""
    read = [[i - n for n in neighbours] for i in range(len(outcome))]
    one_hot = np.eye(4)[outcome]
    signals = [np.concatenate([one_hot[k] * (k >= 0) for k in sites]) for sites in read]
    for name in sorted(key for key in parameters if key.startswith("cells")):
        states = np.zeros((len(outcome), *parameters[name]["bias"].shape))
        for i, sites in enumerate(read):
            earlier = [states[k] * (k >= 0) for k in sites]
            states[i] = next_state(parameters[name], cell, signals[i], earlier, outcome[sites])
        signals = states
    kernels, biases = (parameters[f"output_{name}"] for name in ("kernel", "bias"))
    logits = (kernels @ signals[..., None])[..., 0] + biases
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("output", ["shared", "per_site"])
@pytest.mark.parametrize("cell", ["vanilla", "gated", "multiplicative"])
@pytest.mark.parametrize(
    ("kind", "system", "neighbours"),
    [
        ("recurrent", heisenberg_ring(5), [1]),
        # Before, above, and above to the right, on a helix of rows of three.
        ("raster", heisenberg_ring(3, lattice=TORUS), [1, 3, 2]),
    ],
)
def test_conditionals_follow_the_formulas(setting, kind, cell, output, system, neighbours):
    case = setting(system, network_settings(kind=kind, cell=cell, output=output, depth=2))
    outcome = np.arange(case.model.n_sites) ** 2 % 7 % 4
    network, parameters = case.ansatz.network, case.parameters
    _, conditionals = all_conditionals(network, parameters, jnp.array(outcome)[:, None])
    by_hand = log_conditionals(
        jax.tree.map(np.asarray, parameters["params"]), outcome, neighbours, cell
    )
    np.testing.assert_allclose(conditionals[..., 0], by_hand, atol=1e-13)


def influence(case, parameters):
    """How far the outcome of site k, shifted by one, moves log p at site i: entry [i, k]."""
    sites = case.model.n_sites
    outcomes = (np.concatenate([np.zeros((1, sites)), np.eye(sites)]) + 1).astype(np.int32)
    _, conditionals = all_conditionals(case.ansatz.network, parameters, jnp.array(outcomes.T))
    conditionals = np.asarray(conditionals)
    return np.abs(conditionals[..., 1:] - conditionals[..., :1]).max(axis=1)


@pytest.mark.parametrize(("system", "settings"), NETWORKS)
def test_conditionals_see_all_earlier_sites_and_no_other(setting, system, settings):
    case = setting(system, network_settings(**settings))
    seen = influence(case, case.parameters)
    earlier = np.tri(case.model.n_sites, k=-1, dtype=bool)
    np.testing.assert_array_equal(seen[~earlier], 0)
    assert seen[earlier].min() > 1e-9


def test_raster_network_reads_neighbours_directly(setting):
    """Without recurrent weights it sees, of all bonds, all but those that close y; seam included.

    The last site of a row, 5, reads its neighbour around the torus, 3, and the one above, 2.
    """
    case = setting(heisenberg_ring(3, lattice=TORUS), network_settings(kind="raster"))

    def cut(path, parameter):
        return 0 * parameter if path[-1].key == "recurrent_kernel" else parameter

    seen = influence(case, jax.tree_util.tree_map_with_path(cut, case.parameters)) > 0
    bonds = {(max(bond), min(bond)) for bond in case.model.lattice.bonds}
    closing_y = {(6, 0), (7, 1), (8, 2)}
    helix = {(3, 2), (3, 1), (6, 5), (6, 4), (4, 2), (7, 5)}
    read = {(int(i), int(k)) for i, k in np.argwhere(seen)}
    assert read == (bonds - closing_y) | helix
    assert {(5, 3), (5, 2)} <= read
