"""What every observable is a function of: Pauli strings, weights, functions of a few of them."""

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from opentdvp.config import Observables
from opentdvp.config.observables import components, parsed
from opentdvp.config.strengths import Drive
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.local_generators import LETTERS
from opentdvp.physics.pauli.strings import PauliString, ascending
from opentdvp.physics.spin import AXES, pauli_string

#: Of the expectation values of the strings of every entry.
Function = Callable[[Float[np.ndarray, "*any k"]], Float[np.ndarray, "*any"]]

#: The string whose expectation value is 1, and in place of one whose value is 0.
ONE: PauliString = ()
ZERO = None

# An eigenvalue below is taken for 0 in an entropy; those of a sampled matrix may be negative.
_SMALLEST = 1e-300


class Quantity(NamedTuple):
    """Σ_e w_oe(t) g(<P_e1>, <P_e2>, …) for every output o.

    Attributes
    ----------
    entries
        The strings of every entry, as many for each of them.
    function
        g, of the last axis.
    weights
        Of the entries in every output, by what multiplies them at a time; if there are none, the
        entries are the outputs.
    """

    entries: tuple[tuple[PauliString | None, ...], ...]
    function: Function
    weights: tuple[tuple[Drive | None, Float[np.ndarray, "outputs entries"]], ...] = ()


def quantities(observables: Observables, model: Model) -> dict[str, tuple[Quantity, ...]]:
    """By name of the observable, in the order of `Observables.labels`; outputs are flat."""
    lattice, sites = model.lattice, range(model.n_sites)
    found: dict[str, tuple[Quantity, ...]] = {}
    for text in observables.strings:
        found[text] = (_means([parsed(text)]),)
    for axis in observables.profiles:
        found[f"{axis}_i"] = (_means([((i, axis),) for i in sites]),)
    for pair in observables.correlation_matrices:
        found[f"C_{pair}_ij"] = (_connected(pair, product(sites, sites)),)
    for pair, offsets in observables.displacements.items():
        found[f"C_{pair}_r"] = tuple(_average(pair, lattice.displaced(r)) for r in offsets)
    for pair, momenta in observables.structure_factors.items():
        waves = [components(momentum) for momentum in momenta]
        found[f"S_{pair}"] = (_structure_factors(pair, waves, lattice),)
    if observables.energy:
        found["energy"] = (_energy(model),)
    for axis in observables.currents:
        found[f"J_{axis}"] = tuple(_current(axis, bond, model) for bond in lattice.bonds)
    if observables.density_matrices is not None:
        for name in observables.density_matrices.quantities:
            places = observables.density_matrices.sites
            found[name] = tuple(_of_density_matrix(name, where) for where in places)
    return found


def _means(strings: Iterable[PauliString]) -> Quantity:
    return Quantity(tuple((string,) for string in strings), _first)


def _first(values: Float[np.ndarray, "*any k"]) -> Float[np.ndarray, "*any"]:
    return values[..., 0]


def _product(pair: str, i: int, j: int) -> PauliString | None:
    """A_i B_j; on one site, the Hermitian part of AB."""
    if i == j:
        return ONE if pair[0] == pair[1] else ZERO
    return ascending(pair, (i, j))


def _connected(pair: str, pairs: Iterable[tuple[int, int]]) -> Quantity:
    """<A_i B_j> − <A_i><B_j>."""
    entries = ((_product(pair, i, j), ((i, pair[0]),), ((j, pair[1]),)) for i, j in pairs)
    return Quantity(tuple(entries), lambda v: v[..., 0] - v[..., 1] * v[..., 2])


def _average(pair: str, pairs: tuple[tuple[int, int], ...]) -> Quantity:
    weights = np.full((1, len(pairs)), 1 / len(pairs))
    return _connected(pair, pairs)._replace(weights=((None, weights),))


def _structure_factors(pair: str, waves: list[tuple[float, ...]], lattice: Lattice) -> Quantity:
    """1/N Σ_ij cos k(r_i − r_j) <A_i B_j>: the real part."""
    pairs = list(product(range(lattice.n_sites), repeat=2))
    i, j = np.array(pairs).T
    apart = lattice.positions[i] - lattice.positions[j]
    weights = [np.cos(apart[:, : len(k)] @ np.array(k)) / lattice.n_sites for k in waves]
    return Quantity(
        tuple((_product(pair, *ends),) for ends in pairs), _first, ((None, np.array(weights)),)
    )


def _energy(model: Model) -> Quantity:
    """<H(t)>."""
    terms = ((t.drive, t.strength, ascending(t.operators, t.sites)) for t in model.terms)
    return _sum(terms)


def _current(axis: str, bond: tuple[int, int], model: Model) -> Quantity:
    """What the terms on both sites of a bond add to d<A_j>/dt on its second one: i<[H, A_j]>."""
    there = (t for t in model.terms if set(t.sites) == set(bond))
    shares = (
        (t.drive, factor * t.strength, string)
        for t in there
        for factor, string in _commutator(ascending(t.operators, t.sites), axis, bond[1])
    )
    return _sum(shares)


def _commutator(string: PauliString, axis: str, site: int) -> Iterator[tuple[float, PauliString]]:
    """i[P, A_j] as a multiple of a string: nothing if they commute."""
    letters = dict(string)
    other = letters[site]
    if other == axis:
        return
    (third,) = set(AXES) - {other, axis}
    # i[σ_a, σ_b] = −2 ε_abc σ_c
    cyclic = other + axis in ("XY", "YZ", "ZX")
    yield -2.0 if cyclic else 2.0, tuple(sorted((letters | {site: third}).items()))


def _sum(shares: Iterable[tuple[Drive | None, float, PauliString]]) -> Quantity:
    """Σ f(t) s <P>; one entry that is 0 if there is nothing."""
    table = list(shares)
    place = {string: k for k, (_, _, string) in enumerate(table)}
    weights = {drive: np.zeros((1, len(table) + 1)) for drive in (None, *(d for d, _, _ in table))}
    for drive, strength, string in table:
        weights[drive][0, place[string]] += strength
    entries = (*((string,) for _, _, string in table), (ZERO,))
    return Quantity(entries, _first, tuple(weights.items()))


def _of_density_matrix(name: str, sites: tuple[int, ...]) -> Quantity:
    """Of ρ = 2⁻ⁿ Σ <P> P over all strings on n sites."""
    letters = ["".join(string) for string in product(LETTERS, repeat=len(sites))]
    strings = tuple(
        tuple(entry for entry in ascending(string, sites) if entry[1] != "I") for string in letters
    )
    paulis = np.array([pauli_string(string) for string in letters]) / 2 ** len(sites)

    def function(values: Float[np.ndarray, "*any k"]) -> Float[np.ndarray, "*any"]:
        return _FUNCTIONS[name](np.linalg.eigvalsh(np.tensordot(values, paulis, 1)))

    return Quantity((strings,), function)


def _entropy(eigenvalues: np.ndarray) -> np.ndarray:
    known = np.maximum(eigenvalues, _SMALLEST)
    return -(known * np.log(known)).sum(axis=-1)


_FUNCTIONS: dict[str, Function] = {
    "purity": lambda eigenvalues: (eigenvalues**2).sum(axis=-1),
    "entropy": _entropy,
    "smallest_eigenvalue": lambda eigenvalues: eigenvalues[..., 0],
}
