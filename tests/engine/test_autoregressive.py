import jax.numpy as jnp
import numpy as np
import pytest
from solvers import tdvp
from systems import heisenberg_ring

from opentdvp.engine.ansatz.autoregressive import all_conditionals, log_probability


@pytest.mark.parametrize("activation", ["tanh", "elu"])
@pytest.mark.parametrize("depth", [1, 2])
def test_distribution_is_normalised(setting, activation, depth):
    case = setting(heisenberg_ring(4), tdvp(orbit="none", depth=depth, activation=activation))
    assert case.distribution.sum() == pytest.approx(1, abs=1e-12)
    assert case.distribution.std() > 0.1 * case.distribution.mean()


def test_start_is_exactly_the_product_state(setting):
    bloch = {"X": 0.3, "Y": -0.6, "Z": 0.2}
    case = setting(heisenberg_ring(3, start=bloch), tdvp(orbit="none"), scale=0)
    one_site = (1 + case.povm.directions @ [0.3, -0.6, 0.2]) / 4
    product = np.einsum("a,b,c->abc", one_site, one_site, one_site)
    np.testing.assert_allclose(case.distribution, product, rtol=1e-13)


def test_conditionals_see_only_earlier_sites(setting):
    case = setting(heisenberg_ring(5), tdvp(orbit="none"))
    network, parameters = case.ansatz.network, case.ansatz.unravel(case.theta)
    outcomes = jnp.array([[0, 1, 2, 3, 0], [0, 1, 2, 0, 1]]).T
    _, conditionals = all_conditionals(network, parameters, outcomes)
    np.testing.assert_array_equal(conditionals[:4, :, 0], conditionals[:4, :, 1])
    assert np.abs(conditionals[4, :, 0] - conditionals[4, :, 1]).max() > 1e-3


def test_log_probability_is_the_sum_of_conditionals(setting):
    case = setting(heisenberg_ring(3), tdvp(orbit="none", depth=2))
    network, parameters = case.ansatz.network, case.ansatz.unravel(case.theta)
    outcome = jnp.array([[2], [0], [3]])
    _, conditionals = all_conditionals(network, parameters, outcome)
    expected = conditionals[0, 2, 0] + conditionals[1, 0, 0] + conditionals[2, 3, 0]
    assert log_probability(network, parameters, outcome)[0] == pytest.approx(float(expected))
