"""What the tensors of a chain hold: amplitudes of a pure state, or all Pauli expectation values.

Both evolve linearly. Amplitudes obey ψ̇ = −iHψ. A density matrix is ρ = 2⁻ᴺ Σ <P> P over all Pauli
strings P, and the expectation values obey d<P_a>/dt = Σ_b G_ab <P_b> with real
G_ab = 2⁻ⁿ Tr(P_a L[P_b]), L the Lindbladian (paper, eq. 3) and n the number of spins it acts on.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np

from opentdvp.config.strengths import Drive
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.local_generators import LETTERS, local_generators
from opentdvp.physics.spin import pauli_string
from opentdvp.references.tensors.layout import Layout, Spins, parity_basis
from opentdvp.references.trajectories.pure_states import spin_amplitudes

Part = tuple[tuple[Spins, np.ndarray], ...]


class Space(NamedTuple):
    """Evolution of a product state of spins.

    Attributes
    ----------
    starts
        Components of each spin at time 0, shape (N, components).
    drives
        What multiplies each part of the time derivative, None for the constant one.
    parts
        Each is a sum of matrices on the components of a few spins.
    pure
        Whether the components are amplitudes.
    """

    starts: np.ndarray
    drives: tuple[Drive | None, ...]
    parts: tuple[Part, ...]
    pure: bool

    @property
    def dimension(self) -> int:
        """Components of a spin."""
        return self.starts.shape[1]

    def functional(self, letters: str) -> np.ndarray:
        """The Pauli string on its spins: as a matrix, or as a vector that picks its component."""
        if self.pure:
            return pauli_string(letters)
        picks = [np.eye(len(LETTERS))[LETTERS.index(letter)] for letter in letters]
        return reduce(np.kron, picks)


def amplitudes(model: Model) -> Space:
    """Amplitudes in the basis of Z; raises ConfigError if the start state is mixed."""
    drives, models = zip(*model.parts(), strict=True)
    parts = tuple(
        tuple((t.sites, -1j * t.strength * pauli_string(t.operators)) for t in one.terms)
        for one in models
    )
    starts = np.array([spin_amplitudes(vector) for vector in model.bloch])
    return Space(starts, drives, parts, pure=True)


def pauli_expectations(model: Model) -> Space:
    """Expectation values of all Pauli strings, in the order I, X, Y, Z per spin."""
    drives, models = zip(*model.parts(), strict=True)
    parts = tuple(tuple(local_generators(one).items()) for one in models)
    starts = np.concatenate([np.ones((model.n_sites, 1)), model.bloch], axis=1)
    return Space(starts, drives, parts, pure=False)


class Chain(NamedTuple):
    """Everything that a chain of tensors needs, in bases of definite parity.

    Attributes
    ----------
    bases
        Of each tensor: columns are its basis states in the product basis of its spins.
    parities
        Of each tensor: parity of its basis states.
    starts
        Of each tensor: its components at time 0.
    parts
        Of each part of the time derivative, and of each bond: what it does to the components of
        both tensors; None where there is no bond.
    """

    space: Space
    layout: Layout
    bases: tuple[np.ndarray, ...]
    parities: tuple[np.ndarray, ...]
    starts: tuple[np.ndarray, ...]
    parts: tuple[tuple[np.ndarray | None, ...], ...]

    @property
    def drives(self) -> tuple[Drive, ...]:
        """All functions of the time."""
        return tuple(filter(None, self.space.drives))

    def factors(self, time: float) -> tuple[float, ...]:
        """What multiplies each part at a time."""
        return tuple(1.0 if drive is None else drive(time) for drive in self.space.drives)

    def generators(self, factors: tuple[float, ...]) -> list[np.ndarray | None]:
        """The time derivative of each bond: Σ factor · part."""
        return [
            None if parts[0] is None else _total(factors, parts)
            for parts in zip(*self.parts, strict=True)
        ]

    def functional(self, tensor: int, letters: dict[int, str]) -> np.ndarray:
        """Pauli matrices on some spins of a tensor, as its components see them."""
        string = "".join(letters.get(spin, "I") for spin in self.layout.tensors[tensor])
        basis, functional = self.bases[tensor], self.space.functional(string)
        return basis.T @ functional @ basis if self.space.pure else basis.T @ functional


def build_chain(layout: Layout, space: Space) -> Chain:
    """Start state and generators of a chain of tensors."""
    dimension = space.dimension
    chosen = {
        spins: parity_basis(dimension, len(spins), layout.reflected)
        for spins in (*layout.tensors, *(s for bond in filter(None, layout.bonds) for s in bond))
    }

    def basis_of(spins: Spins) -> np.ndarray:
        return chosen[spins][0]

    bases = tuple(map(basis_of, layout.tensors))
    starts = (reduce(np.kron, space.starts[list(spins)]) for spins in layout.tensors)
    return Chain(
        space=space,
        layout=layout,
        bases=bases,
        parities=tuple(chosen[spins][1] for spins in layout.tensors),
        starts=tuple(basis.T @ start for basis, start in zip(bases, starts, strict=True)),
        parts=tuple(
            tuple(
                bond and _rotated(_generator(layout, space, part, bond), *map(basis_of, bond))
                for bond in layout.bonds
            )
            for part in space.parts
        ),
    )


def _total(factors: tuple[float, ...], parts: tuple[np.ndarray, ...]) -> np.ndarray:
    return sum(
        (factor * part for factor, part in zip(factors[1:], parts[1:], strict=True)), parts[0]
    )


def _rotated(generator: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    basis = np.kron(left, right)
    return basis.T @ generator @ basis


def _generator(layout: Layout, space: Space, part: Part, bond: tuple[Spins, Spins]) -> np.ndarray:
    """All terms across a bond, and those inside its tensors, shared between all their bonds."""
    spins = (*bond[0], *bond[1])
    dimension = space.dimension
    total = np.zeros((dimension ** len(spins),) * 2, dtype=space.starts.dtype)
    for sites, matrix in part:
        if set(sites) <= set(spins):
            inside = [side for side in bond if set(sites) <= set(side)]
            share = layout.bonds_at(inside[0]) if inside else 1
            places = [spins.index(site) for site in sites]
            total += _embedded(matrix, places, len(spins), dimension) / share
    return total


def _embedded(matrix: np.ndarray, places: list[int], spins: int, dimension: int) -> np.ndarray:
    """A matrix on the spins at some places, as one on all of them."""
    others = [place for place in range(spins) if place not in places]
    whole = np.kron(matrix, np.eye(dimension ** len(others)))
    # Axis k of the product is the spin at order[k]; put every spin at its place.
    order = np.argsort([*places, *others])
    axes = [*order, *(order + spins)]
    tensor = whole.reshape((dimension,) * (2 * spins)).transpose(axes)
    return tensor.reshape(whole.shape)
