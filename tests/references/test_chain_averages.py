"""Observables of chains of random tensors against dense contractions of the same."""

from functools import reduce

import numpy as np
import pytest
from systems import confinement_ring, heisenberg_ring

from opentdvp.config import Observables
from opentdvp.physics.model import Model, build_model
from opentdvp.physics.pauli.local_generators import LETTERS
from opentdvp.physics.spin import AXES
from opentdvp.references.site_averages import site_averages
from opentdvp.references.tensors.averages import measure
from opentdvp.references.tensors.evolution import Tensors
from opentdvp.references.tensors.layout import find_layout
from opentdvp.references.tensors.space import Chain, amplitudes, build_chain, pauli_expectations
from opentdvp.references.trajectories.pure_states import linear_expectations

OBSERVABLES = Observables(correlators={"XX": (1, 2), "XY": (1, 2), "ZY": (2,)})
OPEN = {"kind": "chain", "size": (5,), "periodic": False}
LOPSIDED = [{"operators": "XY", "sites": (1, 2), "strength": 0.3}]


def expected_averages(model: Model, observables: Observables, value) -> dict[str, np.ndarray]:
    """Site averages from `value`, that of letters on sites."""
    sites = range(model.n_sites)
    means = {axis: np.array([value({i: axis}) for i in sites]) for axis in AXES}

    def correlation(letters, first, second):
        ends = zip(first.tolist(), second.tolist(), strict=True)
        return np.array([value(dict(zip(pair, letters, strict=True))) for pair in ends])

    return site_averages(means, correlation, model.lattice, observables)


def assert_equal(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-10)


def random_tensors(chain: Chain, bonds: list[int]) -> Tensors:
    """Positive but for a little noise, so that the largest eigenvalue is single and real."""
    random = np.random.default_rng(6)
    states = [basis.shape[1] for basis in chain.bases]
    ends = zip(bonds[:-1], states, bonds[1:], strict=True)
    arrays = tuple(random.uniform(0.2, 1, size) + 0.1 * random.normal(size=size) for size in ends)
    values = tuple(np.ones(b) for b in bonds[:-1])
    return Tensors(arrays, values, tuple(np.zeros(b, int) for b in bonds), 1.7)


@pytest.mark.parametrize(
    "model",
    [
        build_model(heisenberg_ring(5, lattice=OPEN, observables={})),
        build_model(heisenberg_ring(6, observables={})),
        build_model(heisenberg_ring(5, terms=LOPSIDED, observables={})),
    ],
    ids=["open", "reflected", "lopsided"],
)
def test_pauli_expectations_of_a_finite_chain(model: Model) -> None:
    chain = build_chain(find_layout(model, "finite"), pauli_expectations(model))
    inner = [4] * (len(chain.bases) - 1)
    tensors = random_tensors(chain, [1, *inner, 1])
    # In the product basis of the spins of every tensor, and one axis per spin.
    parts = [
        np.einsum("apb,qp->aqb", tensor, basis)
        for tensor, basis in zip(tensors.tensors, chain.bases, strict=True)
    ]
    whole = reduce(lambda left, right: np.tensordot(left, right, 1), parts)
    spins = [spin for group in chain.layout.tensors for spin in group]
    whole = np.moveaxis(whole.reshape((4,) * model.n_sites), range(model.n_sites), spins)

    def value(letters):
        string = [LETTERS.index(letters.get(i, "I")) for i in range(model.n_sites)]
        return whole[tuple(string)] / whole.flat[0]

    found = measure(chain, tensors, model.lattice, OBSERVABLES)
    assert found.trace == pytest.approx(1.7 * whole.flat[0])
    assert_equal(found.observables, expected_averages(model, OBSERVABLES, value))


@pytest.mark.parametrize(
    "observables", [OBSERVABLES, Observables(correlators={"XY": (1,)}), Observables()]
)
def test_pauli_expectations_of_an_infinite_chain_of_two_unlike_tensors(
    observables: Observables,
) -> None:
    model = build_model(confinement_ring(8, observables={}))
    chain = build_chain(find_layout(model, "infinite"), pauli_expectations(model))
    tensors = random_tensors(chain, [4, 3, 4])
    cells, middle = 40, 20

    def contracted(letters):
        left = np.ones(4)
        for site in range(2 * cells):
            letter = LETTERS.index(letters.get(site - 2 * middle, "I"))
            left = left @ tensors.tensors[site % 2][:, letter]
            left = left / 3  # about the largest eigenvalue, against overflow
        return left.sum()

    whole = contracted({})

    def value(letters):
        """In the cell of the first site; a pair that the ring closes goes on to the right."""
        first = min(letters) if max(letters) - min(letters) <= 2 else max(letters)
        moved = {first % 2 + (site - first) % 8: letter for site, letter in letters.items()}
        return contracted(moved) / whole

    found = measure(chain, tensors, model.lattice, observables)
    cell = tensors.tensors[0][:, 0] @ tensors.tensors[1][:, 0]
    assert found.trace == pytest.approx(1.7 * np.abs(np.linalg.eigvals(cell)).max())
    assert_equal(found.observables, expected_averages(model, observables, value))


@pytest.mark.parametrize(
    "model",
    [
        build_model(confinement_ring(5, jumps=[], lattice=OPEN, observables={})),
        build_model(confinement_ring(6, jumps=[], observables={})),
    ],
    ids=["open", "reflected"],
)
def test_amplitudes_of_a_finite_chain(model: Model) -> None:
    chain = build_chain(find_layout(model, "finite"), amplitudes(model))
    random = np.random.default_rng(8)
    psi = random.normal(size=2**model.n_sites) + 1j * random.normal(size=2**model.n_sites)
    psi /= np.linalg.norm(psi)
    expectations = linear_expectations(model.lattice, OBSERVABLES)
    expected = expectations.averages(expectations.of_state(psi))
    found = measure(chain, right_canonical(chain, psi), model.lattice, OBSERVABLES)
    assert found.trace == pytest.approx(1.7**2)
    assert_equal(found.observables, expected)


def right_canonical(chain: Chain, psi: np.ndarray) -> Tensors:
    """A state in the bases of a chain, by the Schmidt vectors at the right of every bond."""
    spins = [spin for group in chain.layout.tensors for spin in group]
    whole = psi.reshape((2,) * len(spins)).transpose(spins)
    for k, basis in enumerate(chain.bases):
        rest = whole.reshape(*(b.shape[0] for b in chain.bases))
        whole = np.moveaxis(np.tensordot(basis.T, rest, axes=(1, k)), 0, k)
    sizes, values, rights = [basis.shape[1] for basis in chain.bases], [], []
    for k in range(len(sizes) + 1):
        _, schmidt, right = np.linalg.svd(whole.reshape(int(np.prod(sizes[:k])), -1), False)
        values.append(schmidt)
        rights.append(right)
    tensors = [
        (left.reshape(-1, size, behind.shape[1]) @ behind.conj().T)
        for size, left, behind in zip(sizes, rights[:-1], rights[1:], strict=True)
    ]
    # The phase of the whole is in the last vector, of the length one.
    parities = tuple(np.zeros(len(v), int) for v in values)
    return Tensors(tuple(tensors), tuple(values[:-1]), parities, 1.7)
