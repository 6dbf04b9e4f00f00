import jax
import jax.numpy as jnp
import numpy as np
import pytest
from solvers import ENUMERATION, direct, tdvp
from systems import heisenberg_ring

from opentdvp.engine.measuring.observables import mean_and_error, measure
from opentdvp.engine.povm.tetrahedron import frame
from opentdvp.engine.sampling.ensemble import Ensemble, Purpose
from opentdvp.physics.spin import pauli_string


def measurement(case, system, sampling):
    """Observables at the parameters of a case, by key; compiled once."""
    sampler = case.problem(tdvp(sampling=sampling)).sampler

    def by_key(key):
        _, ensemble = sampler.draw(Purpose.OBSERVABLES, case.theta, {}, key)
        return measure(ensemble, case.povm, case.model.lattice, system.observables)

    return jax.jit(by_key)


@pytest.mark.parametrize("orbit", ["none", "all"])
def test_enumeration_equals_the_density_matrix(setting, orbit):
    system = heisenberg_ring(3, observables={"correlators": {"XX": [1], "XY": [1]}})
    case = setting(system, tdvp(orbit=orbit))
    rho = np.einsum("a,aij->ij", case.distribution.ravel(), frame(case.povm.dual, 3))

    def mean(letters):
        return np.trace(rho @ pauli_string(letters)).real

    estimates = measurement(case, system, ENUMERATION)(jax.random.key(0))
    singles = {axis: [mean(s) for s in _placed(axis)] for axis in "XYZ"}
    for axis in "XYZ":
        assert float(estimates[axis][0]) == pytest.approx(np.mean(singles[axis]), abs=1e-12)
    pairs = {(0, 1): "{}{}I", (1, 2): "I{}{}", (2, 0): "{1}I{0}"}
    for first, second in ("XX", "XY"):
        expected = np.mean(
            [
                mean(pattern.format(first, second)) - singles[first][i] * singles[second][j]
                for (i, j), pattern in pairs.items()
            ]
        )
        value, error = estimates[f"C_{first}{second}"]
        assert float(value[0]) == pytest.approx(expected, abs=1e-12)
        assert float(error[0]) == 0


def _placed(axis):
    return [axis + "II", "I" + axis + "I", "II" + axis]


def test_standard_errors_are_the_spread_of_repeated_estimates(setting):
    system = heisenberg_ring(4)
    case = setting(system, tdvp())
    truth = measurement(case, system, ENUMERATION)(jax.random.key(0))
    sampled = measurement(case, system, direct(observables=400))
    repeats = [sampled(jax.random.key(seed)) for seed in range(200)]
    for name in ("X", "Z", "C_XX", "C_ZZ"):
        means = np.array([np.ravel(r[name][0])[0] for r in repeats])
        errors = np.array([np.ravel(r[name][1])[0] for r in repeats])
        # The spread of 200 values is known to 5 %: three standard deviations.
        assert means.std() == pytest.approx(errors.mean(), rel=0.15)
        deviation = (means.mean() - np.ravel(truth[name][0])[0]) / (errors.mean() / np.sqrt(200))
        assert abs(deviation) < 4


@pytest.mark.parametrize("chains", [None, 1, 3])
def test_standard_error_is_that_of_independent_values(chains):
    """s/√n with the unbiased s of n values; of Markov chains, the means of each are the values."""
    values = np.random.default_rng(4).normal(size=(6, chains or 1))
    count = values.size
    chain = None if chains is None else jnp.repeat(jnp.arange(6), chains)
    ensemble = Ensemble(
        outcomes=jnp.zeros((count, 1), jnp.int32),
        weights=jnp.full(count, 1 / count),
        counts=jnp.ones(count, jnp.int32),
        chain=chain,
    )
    mean, error = mean_and_error(jnp.array(values.ravel()), ensemble)
    assert float(mean) == pytest.approx(values.mean())
    expected = values.mean(axis=1).std(ddof=1) / np.sqrt(6)
    assert float(error) == pytest.approx(expected)


def test_product_state_has_no_connected_correlations(setting):
    system = heisenberg_ring(4)
    case = setting(system, tdvp(), scale=0)
    estimates = measurement(case, system, ENUMERATION)(jax.random.key(0))
    assert float(estimates["Y"][0]) == pytest.approx(-1, abs=1e-12)
    for pair in ("XX", "YY", "ZZ"):
        np.testing.assert_allclose(estimates[f"C_{pair}"][0], 0, atol=1e-12)
