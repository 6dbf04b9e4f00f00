"""All that a system may have, against its dense Lindbladian."""

from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dense import dense_evolution, superoperators
from featured import GRAPH, LADDER, SYSTEMS, THREES, featured
from solvers import chains, convolution, direct, hybrid, jastrow, solved, tdvp
from systems import heisenberg_ring

from opentdvp.engine.assembly import assemble, check
from opentdvp.engine.build import build_engine
from opentdvp.engine.povm.generator import apply_generator, build_generator
from opentdvp.engine.povm.tetrahedron import build_povm, frame, start_probabilities
from opentdvp.errors import ConfigError
from opentdvp.physics.model import build_model

#: Tight steps; the whole error is theirs.
TIGHT = {"method": "bogacki_shampine", "fisher_tolerance": 1e-6, "eigenvalue_cutoff": 1e-12}


@pytest.fixture(params=SYSTEMS)
def system(request):
    return SYSTEMS[request.param]


@pytest.mark.parametrize("time", [0.0, 0.13, 0.37])
@pytest.mark.parametrize("orientation", ["cubic", "z_aligned"])
def test_generator_at_any_time_is_the_dense_one(system, orientation, time):
    """tr(M^a 𝓛(t)[D^b])."""
    model, povm = build_model(system), build_povm(orientation)
    n_sites = model.n_sites
    generator = build_generator(model, povm)
    factors = np.array([drive(time) for drive in model.drives]) if model.drives else None
    columns = np.eye(4**n_sites).reshape(*(4,) * n_sites, 4**n_sites)
    found = apply_generator(generator.at(factors), columns).reshape(4**n_sites, 4**n_sites)
    elements, dual = (
        frame(one, n_sites).reshape(4**n_sites, -1) for one in (povm.elements, povm.dual)
    )
    parts = superoperators(system).items()
    liouvillian = sum((1.0 if drive is None else drive(time)) * part for drive, part in parts)
    expected = (elements.conj() @ (liouvillian @ dual.T)).real
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_all_strings_follow_the_dense_solution(system):
    """A Jastrow factor of full weight and range is any distribution."""
    n_sites = system.lattice.n_sites
    found = solved(system, jastrow(n_sites, n_sites, n_sites, **TIGHT))
    expected = dense_evolution(system, found.times)
    assert found.diagnostics["residual"].max() < 1e-8
    for name, observable in found.observables.items():
        np.testing.assert_allclose(observable.mean, expected[name], atol=2e-6)
        assert np.ptp(expected[name], axis=0).max() > 0.005
