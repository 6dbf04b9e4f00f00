"""The Lindbladian on the Pauli matrices of one to three sites.

Expectation values obey d<P_a>/dt = Σ_b G_ab <P_b> with G_ab = 2⁻ⁿ Tr(P_a 𝓛[P_b]), 𝓛 the Lindbladian
(paper, eq. 3) and P the Pauli strings on n sites, their letters in the order of `LETTERS`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product

import numpy as np
from jaxtyping import Complex, Float

from opentdvp.physics.model import Model, Term
from opentdvp.physics.spin import AXES, pauli_string

LETTERS = ("I", *AXES)

Sites = tuple[int, ...]

# Entries so much smaller than the largest are rounding.
_NOTHING = 1e-15


def local_generators(model: Model) -> dict[Sites, Float[np.ndarray, "n n"]]:
    """G of everything that happens on the same sites (ascending), by these sites.

    Drives are not in it: of a model that depends on the time, take those of its `parts`.
    """
    total: dict[Sites, np.ndarray] = {}
    for sites, generator in (*_of_terms(model), *_of_jumps(model)):
        total[sites] = total[sites] + generator if sites in total else generator
    return dict(sorted(total.items(), key=lambda entry: (len(entry[0]), entry[0])))


def site_generator(model: Model, site: int) -> Float[np.ndarray, "4 4"]:
    """M with d<σ_a>/dt = Σ_b M_ab <σ_b> from the fields and jumps on a site; a, b in I, X, Y, Z."""
    alone = (
        generator for sites, generator in (*_of_terms(model), *_of_jumps(model)) if sites == (site,)
    )
    return sum(alone, np.zeros((4, 4)))


def term_generator(term: Term) -> Float[np.ndarray, "n n"]:
    """G of a Hamiltonian term, 2⁻ⁿ Tr(P_a (−i)[H, P_b]), the first of its sites leading."""
    operator = term.strength * pauli_string(term.operators)
    return _in_paulis(lambda rho: -1j * (operator @ rho - rho @ operator), len(term.sites))


def _of_terms(model: Model) -> Iterator[tuple[Sites, np.ndarray]]:
    for term in model.terms:
        yield term.sites, term_generator(term)


def _of_jumps(model: Model) -> Iterator[tuple[Sites, np.ndarray]]:
    """Of a jump L = Σ_m L_m, one for every pair of parts, those of m and n together.

    Different jumps with parts on the same sites, as those of a matrix of rates, are added first.
    """
    rates: dict[tuple[Sites, Sites], list[tuple[float, np.ndarray, np.ndarray]]]
    rates = defaultdict(list)
    for jump in model.jumps:
        parts = list(zip(jump.sites, jump.matrices, strict=True))
        for k, (here, first) in enumerate(parts):
            for there, second in parts[k:]:
                rates[here, there].append((jump.rate, first, second))
    for (here, there), shares in rates.items():
        sites = tuple(sorted({*here, *there}))
        yield sites, _dissipator(sites, here, there, shares)


def _dissipator(
    sites: Sites, here: Sites, there: Sites, shares: list[tuple[float, np.ndarray, np.ndarray]]
) -> Float[np.ndarray, "n n"]:
    """Σ γ(AρB† − ½{B†A, ρ}), and the same with A and B exchanged where they are not the same."""
    factors = [
        (rate, embedded(first, here, sites), embedded(second, there, sites))
        for rate, first, second in shares
    ]

    def image(rho: np.ndarray) -> np.ndarray:
        total = np.zeros_like(rho)
        for rate, a, b in factors:
            orders = ((a, b),) if here == there else ((a, b), (b, a))
            for left, right in orders:
                loss = right.conj().T @ left
                total += rate * (left @ rho @ right.conj().T - (loss @ rho + rho @ loss) / 2)
        return total

    return _in_paulis(image, len(sites))


def embedded(
    matrix: Complex[np.ndarray, "n n"], places: Sites, sites: Sites
) -> Complex[np.ndarray, "m m"]:
    """A matrix on some sites as one on all of these, which are more or in another order."""
    others = [site for site in sites if site not in places]
    whole = np.kron(matrix, np.eye(2 ** len(others)))
    # Axis k of the product is the site order[k]; put every site at its place.
    order = np.argsort([sites.index(site) for site in (*places, *others)])
    tensor = whole.reshape((2,) * (2 * len(sites)))
    return tensor.transpose([*order, *(order + len(sites))]).reshape(whole.shape)


def _in_paulis(
    superoperator: Callable[[np.ndarray], np.ndarray], n_sites: int
) -> Float[np.ndarray, "n n"]:
    """2⁻ⁿ Tr(P_a map(P_b)) of a map that keeps operators Hermitian."""
    strings = _strings(n_sites)
    images = np.array([superoperator(string) for string in strings])
    generator = np.einsum("aij,bji->ab", strings, images).real / 2**n_sites
    return np.where(np.abs(generator) > _NOTHING * np.abs(generator).max(), generator, 0.0)


@cache
def _strings(n_sites: int) -> Complex[np.ndarray, "strings n n"]:
    return np.array([pauli_string("".join(s)) for s in product(LETTERS, repeat=n_sites)])
