"""Reduced density matrices from outcomes, against partial traces of the whole."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm
from systems import heisenberg_ring

from opentdvp.engine.measuring.positivity import smallest_eigenvalues
from opentdvp.engine.povm.generator import apply_generator, build_generator
from opentdvp.engine.povm.tetrahedron import build_povm, frame
from opentdvp.engine.sampling.ensemble import Ensemble
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import build_model

RING = Lattice((3,), periodic=True)
OUTCOMES = jnp.array(np.indices((4, 4, 4)).reshape(3, -1).T, dtype=jnp.int32)
POVM = build_povm("cubic")


def random_state(rank):
    rng = np.random.default_rng(5)
    root = rng.normal(size=(8, rank)) + 1j * rng.normal(size=(8, rank))
    return root @ root.conj().T / np.linalg.norm(root) ** 2


def product_state():
    up = np.zeros((8, 8), dtype=complex)
    up[0, 0] = 1
    return up


def evolved_state():
    """The paper's ring from `product_state` after γt = 0.3, entangled and mixed."""
    generator = build_generator(build_model(heisenberg_ring(3)), POVM)
    columns = [apply_generator(generator, unit.reshape(4, 4, 4)).ravel() for unit in np.eye(64)]
    final = expm(0.3 * np.array(columns).T) @ probabilities(product_state())
    return np.einsum("a,aij->ij", final, frame(POVM.dual, 3))


def probabilities(rho):
    return np.einsum("aij,ji->a", frame(POVM.elements, 3), rho).real


def reduced(rho, sites):
    """Partial trace that keeps these sites, in this order."""
    rows, columns = list("abc"), ["xyz"[i] if i in sites else "abc"[i] for i in range(3)]
    kept = "".join([rows[i] for i in sites] + [columns[i] for i in sites])
    tensor = np.einsum("".join(rows + columns) + "->" + kept, rho.reshape((2,) * 6))
    return tensor.reshape(2 ** len(sites), -1)


@pytest.mark.parametrize(
    "rho",
    [product_state(), random_state(1), random_state(3), evolved_state()],
    ids=["product", "pure", "mixed", "evolved"],
)
def test_physical_states_have_the_eigenvalues_of_their_partial_traces(rho):
    ensemble = Ensemble(OUTCOMES, jnp.array(probabilities(rho)), None)
    found = smallest_eigenvalues(ensemble, POVM, RING)
    for name, places in (("one_site", [(0,), (1,), (2,)]), ("two_sites", RING.bonds)):
        average = np.mean([reduced(rho, sites) for sites in places], axis=0)
        expected = np.linalg.eigvalsh(average)[0]
        value = float(found[f"eigenvalue_{name}"])
        assert value == pytest.approx(expected, abs=1e-12)
        assert value > -1e-12
        assert float(found[f"eigenvalue_{name}_error"]) == 0


@pytest.mark.parametrize("outcome", [0, 3])
def test_certain_outcome_is_unphysical_by_a_known_amount(outcome):
    """One site: D = (1 + 3 s·σ)/2 with the eigenvalues 2 and −1. Two: their products, so −2."""
    ensemble = Ensemble(jnp.full((1, 3), outcome, dtype=jnp.int32), jnp.ones(1), None)
    found = smallest_eigenvalues(ensemble, POVM, RING)
    assert float(found["eigenvalue_one_site"]) == pytest.approx(-1, abs=1e-12)
    assert float(found["eigenvalue_two_sites"]) == pytest.approx(-2, abs=1e-12)


def test_standard_errors_are_the_spread_of_repeated_estimates():
    chances = probabilities(random_state(3))
    count = 4000

    @jax.jit
    def estimated(key):
        numbers = jax.random.choice(key, 64, (count,), p=jnp.array(chances))
        ensemble = Ensemble(OUTCOMES[numbers], jnp.full(count, 1 / count), jnp.ones(count))
        return smallest_eigenvalues(ensemble, POVM, RING)

    repeats = [estimated(jax.random.key(seed)) for seed in range(100)]
    for name in ("eigenvalue_one_site", "eigenvalue_two_sites"):
        spread = np.std([float(r[name]) for r in repeats], ddof=1)
        errors = np.mean([float(r[f"{name}_error"]) for r in repeats])
        # The spread of 100 values is known to 7 %: four standard deviations.
        assert spread == pytest.approx(errors, rel=0.3)
