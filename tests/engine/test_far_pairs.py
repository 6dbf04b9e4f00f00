"""Pairs far apart as products of vectors, against tables that are read pair by pair."""

from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from solvers import chains, jastrow
from systems import heisenberg_ring

from opentdvp.engine.ansatz.jastrow.tables import locate
from opentdvp.engine.assembly import assemble

#: Two partners, and one across the ring that is its own image.
RING = heisenberg_ring(6)
OPEN = heisenberg_ring(5, lattice={"kind": "chain", "size": [5], "periodic": False})

CASES = {
    "ring": (RING, "cubic"),
    "ring, z-aligned": (RING, "z_aligned"),
    "open chain, where sites have different numbers of partners": (OPEN, "cubic"),
}


@pytest.fixture(params=CASES)
def terms(request):
    """The term of far pairs twice, by couplings and by a table, and outcomes by site."""
    system, orientation = CASES[request.param]
    solver = jastrow(2, 2, 5, sampling=chains(), povm=orientation)
    ansatz = assemble(system, solver, jax.random.key(0)).problem.ansatz
    theta = jnp.array(0.3 * np.random.default_rng(1).normal(size=ansatz.count))
    _, far = ansatz.families
    tabulated = type(ansatz)(
        (far._replace(tabulated=True),), ansatz.letters, ansatz.symmetries, ansatz.weights
    )
    coupled = type(ansatz)((far,), ansatz.letters, ansatz.symmetries, ansatz.weights)
    outcomes = jax.random.randint(jax.random.key(2), (system.lattice.size[0], 40), 0, 4)
    return [
        part.locate(part.unravel(theta), outcomes)[0] for part in (coupled, tabulated)
    ], outcomes


def test_it_is_the_sum_of_the_table(terms):
    (coupled, table), _ = terms
    assert np.ptp(table.total()) > 0.1
    np.testing.assert_allclose(coupled.total(), table.total(), atol=1e-12)


def test_changes_of_a_site_are_those_of_the_table(terms):
    (coupled, table), _ = terms
    np.testing.assert_allclose(coupled.single_changes(), table.single_changes(), atol=1e-12)


def test_changes_of_both_sites_of_a_pair_are_those_of_the_table(terms):
    """Of pairs that are far apart, and of others."""
    (coupled, table), outcomes = terms
    pairs = np.array([(i, j) for i in range(len(outcomes)) for j in range(i)])
    shifts = np.array([(x, y) for x in range(4) for y in range(4)])
    found, expected = (part.joint_changes(pairs, shifts) for part in (coupled, table))
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_changes_of_three_sites_are_those_of_the_table(terms):
    """And of the sums themselves."""
    (coupled, table), outcomes = terms
    threes = np.array(list(combinations(range(len(outcomes)), 3)))
    shifts = np.array([(1, 2, 3), (3, 0, 1), (2, 2, 0), (0, 1, 0)])
    found, expected = (part.joint_changes(threes, shifts) for part in (coupled, table))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_array_equal(found[3], 0)
    alone = table.single_changes()
    for number, sites in enumerate(threes):
        moved = outcomes.at[sites].set(outcomes[sites] ^ shifts[0][:, None])
        after = locate(table.windows, table.table, moved).total()
        change = after - table.total() - sum(alone[shifts[0][k], sites[k]] for k in range(3))
        np.testing.assert_allclose(expected[0, number], change, atol=1e-12)


def test_a_site_is_drawn_and_changed_as_by_the_table(terms):
    (coupled, table), outcomes = terms
    for site in jnp.arange(len(outcomes)):
        weights, around = zip(
            *(part.of_choices(part.state, site, outcomes[site]) for part in (coupled, table)),
            strict=True,
        )
        differences = [w - w[0] for w in weights]
        np.testing.assert_allclose(*differences, atol=1e-12)
        new = (outcomes[site] + 1 + site % 3) % 4
        moved = [
            part._replace(state=part.put(part.state, site, new, close)).total()
            for part, close in zip((coupled, table), around, strict=True)
        ]
        np.testing.assert_allclose(*moved, atol=1e-12)
        assert np.abs(moved[0] - coupled.total()).max() > 0.1
