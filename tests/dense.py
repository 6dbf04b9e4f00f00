"""Lindblad dynamics of a few spins, written out a second time: it shares only the configuration.

ρ̇ = 𝓛₀ρ + Σ f_k(t)𝓛_kρ for the whole density matrix, as sparse superoperators on its rows one after
the other, followed by explicit Runge-Kutta steps of order 8 that never go over a milestone.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
import scipy.sparse
from scipy.integrate import solve_ivp

from opentdvp.config import System
from opentdvp.config.interactions import Coupling, SiteField
from opentdvp.config.jumps import Jump
from opentdvp.config.operators import products
from opentdvp.config.strengths import numbers

AXES = "XYZ"
X, Y, Z = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
ONE_SITE = {
    "I": np.eye(2),
    "X": X,
    "Y": Y,
    "Z": Z,
    "sigma_minus": np.array([[0, 0], [1, 0]]),
    "sigma_plus": np.array([[0, 1], [0, 0]]),
}
RELATIVE, ABSOLUTE = 1e-11, 1e-13

#: No step is longer, so that none misses a short pulse.
LONGEST_STEP = 0.1

Superoperators = dict[Any, scipy.sparse.csr_matrix]


def dense_evolution(system: System, times: np.ndarray) -> dict[str, np.ndarray]:
    """The observables at ascending times from 0: `X` by time, `C_XX` by time and distance."""
    return site_averaged(system, dense_states(system, times))


def dense_states(system: System, times: np.ndarray) -> np.ndarray:
    """The density matrices at ascending times from 0, (times, 2ᴺ, 2ᴺ); site 0 leads."""
    parts = superoperators(system)
    stops = sorted({float(t) for drive in parts if drive is not None for t in drive.milestones})
    values, now, found = _product_state(system).astype(complex).ravel(), 0.0, []
    for time in map(float, times):
        for stop in [*(s for s in stops if now < s < time), time]:
            values, now = _followed(parts, values, now, stop), stop
        found.append(values)
    size = 2**system.lattice.n_sites
    return np.array(found).reshape(-1, size, size)


def site_means(states: np.ndarray) -> dict[str, np.ndarray]:
    """<A_i> for A in X, Y, Z, each of shape (times, sites)."""
    n_sites = states.shape[1].bit_length() - 1
    return {a: np.array([_mean(states, {i: ONE_SITE[a]}) for i in range(n_sites)]).T for a in AXES}


def pair_means(states: np.ndarray) -> dict[str, np.ndarray]:
    """<A_i B_j> for A, B in X, Y, Z, each of shape (times, sites, sites); 0 where i = j."""
    n_sites = states.shape[1].bit_length() - 1
    found = {a + b: np.zeros((len(states), n_sites, n_sites)) for a, b in product(AXES, AXES)}
    for (a, b), values in found.items():
        for i, j in product(range(n_sites), range(n_sites)):
            if i != j:
                values[:, i, j] = _mean(states, {i: ONE_SITE[a], j: ONE_SITE[b]})
    return found


def site_averaged(system: System, states: np.ndarray) -> dict[str, np.ndarray]:
    """Means over the sites, and connected correlators over all pairs at a distance along x."""
    means, pairs = site_means(states), pair_means(states)
    found = {axis: means[axis].mean(axis=1) for axis in system.observables.magnetization}
    length, closed = system.lattice.extent[0], system.lattice.closed[0]
    for (a, b), distances in system.observables.correlators.items():
        columns = []
        for distance in distances:
            ends = [
                (site, site - site % length + (site % length + distance) % length)
                for site in range(system.lattice.n_sites)
                if closed or site % length + distance < length
            ]
            connected = [pairs[a + b][:, i, j] - means[a][:, i] * means[b][:, j] for i, j in ends]
            columns.append(np.mean(connected, axis=0))
        found[f"C_{a}{b}"] = np.stack(columns, axis=1)
    return found


def superoperators(system: System) -> Superoperators:
    """What is constant (None) and what every drive multiplies, on rows of ρ one after the other."""
    n_sites = system.lattice.n_sites
    size = 4**n_sites
    parts: Superoperators = defaultdict(lambda: scipy.sparse.csr_matrix((size, size)))
    one = scipy.sparse.identity(2**n_sites)
    for drive, strength, placed in hamiltonian_terms(system):
        h = strength * _placed(placed, n_sites)
        parts[drive] = parts[drive] - 1j * (scipy.sparse.kron(h, one) - scipy.sparse.kron(one, h.T))
    for jump in system.jumps:
        for rate, a, b in _pairs_of_jumps(jump, system):
            loss = b.conj().T @ a
            gain = scipy.sparse.kron(a, b.conj())
            lost = scipy.sparse.kron(loss, one) + scipy.sparse.kron(one, loss.T)
            parts[jump.drive] = parts[jump.drive] + rate * (gain - lost / 2)
    return {drive: part.tocsr() for drive, part in parts.items()}


def hamiltonian_terms(system: System) -> Iterator[tuple[Any, float, dict[int, np.ndarray]]]:
    """Drive, strength and Pauli matrices by site, of everything in the Hamiltonian."""
    lattice, n_sites = system.lattice.geometry, system.lattice.n_sites
    for term in system.terms:
        yield term.drive, term.strength, _letters(term.operators, term.sites)
    for axis, given in system.fields.items():
        for field in _listed(given, SiteField):
            sites = range(n_sites) if field.sites is None else field.sites
            for site, strength in zip(sites, numbers(field.strength, len(sites)), strict=True):
                yield field.drive, strength, _letters(axis, (site,))
    for letters, given in system.couplings.items():
        for coupling in _listed(given, Coupling):
            if len(letters) == 3:
                last = n_sites if system.lattice.closed[0] else n_sites - 2
                places = [(i, (i + 1) % n_sites, (i + 2) % n_sites) for i in range(last)]
            else:
                places = list(coupling.pairs(lattice))
            strengths = numbers(coupling.strength, len(places))
            for sites, strength in zip(places, strengths, strict=True):
                if coupling.power_law is not None:
                    distance = lattice.distances[sites[0], sites[1]]
                    strength = strength * distance**-coupling.power_law.exponent
                yield coupling.drive, strength, _letters(letters, sites)


def _pairs_of_jumps(jump: Jump, system: System) -> Iterator[tuple[float, Any, Any]]:
    """Rate, A and B of all γ(AρB† − ½{B†A, ρ})."""
    n_sites = system.lattice.n_sites
    places = jump.places(system.lattice.geometry)
    operators = [_embedded(_matrix(jump.operator), sites, n_sites) for sites in places]
    if jump.rates is None:
        for rate, operator in zip(numbers(jump.rate, len(places)), operators, strict=True):
            yield rate, operator, operator
        return
    for i, j in product(range(len(places)), range(len(places))):
        yield jump.rates[i][j], operators[i], operators[j]


def _followed(parts: Superoperators, values: np.ndarray, start: float, stop: float) -> np.ndarray:
    if start == stop or not parts:
        return values

    def slope(time: float, rho: np.ndarray) -> np.ndarray:
        return sum((1.0 if f is None else f(time)) * (part @ rho) for f, part in parts.items())

    found = solve_ivp(
        slope,
        (start, stop),
        values,
        method="DOP853",
        t_eval=[stop],
        rtol=RELATIVE,
        atol=ABSOLUTE,
        max_step=LONGEST_STEP,
    )
    assert found.success, found.message
    return found.y[:, -1]


def _product_state(system: System) -> np.ndarray:
    spins = [
        (np.eye(2) + sum(r * ONE_SITE[a] for a, r in zip(AXES, vector, strict=True))) / 2
        for vector in system.bloch
    ]
    return reduce(np.kron, spins)


def _listed(given: Any, kind: Any) -> tuple[Any, ...]:
    if isinstance(given, kind):
        return (given,)
    if isinstance(given, tuple) and all(isinstance(entry, kind) for entry in given):
        return given
    return (kind.model_construct(strength=given),)


def _letters(letters: str, sites: tuple[int, ...]) -> dict[int, np.ndarray]:
    return {site: ONE_SITE[letter] for site, letter in zip(sites, letters, strict=True)}


def _matrix(operator: Any) -> np.ndarray:
    """Of one site or of two, the first leading."""
    if not isinstance(operator, str):
        return np.array(operator, dtype=complex)
    terms = products(operator)
    return sum(
        number * reduce(np.kron, [ONE_SITE[name] for name in names]) for number, names in terms
    )


def _embedded(matrix: np.ndarray, sites: tuple[int, ...], n_sites: int) -> scipy.sparse.csr_matrix:
    """A matrix on some sites as a sum of products of matrices with a single 1."""
    total = scipy.sparse.csr_matrix((2**n_sites, 2**n_sites), dtype=complex)
    for row, column in np.argwhere(matrix):
        factors = {}
        for place, site in enumerate(reversed(sites)):
            unit = np.zeros((2, 2))
            unit[row >> place & 1, column >> place & 1] = 1
            factors[site] = unit
        total = total + matrix[row, column] * _placed(factors, n_sites)
    return total


def _placed(factors: dict[int, np.ndarray], n_sites: int) -> scipy.sparse.csr_matrix:
    one = np.eye(2)
    return reduce(
        lambda a, b: scipy.sparse.kron(a, b, format="csr"),
        [scipy.sparse.csr_matrix(factors.get(site, one)) for site in range(n_sites)],
    )


def _mean(states: np.ndarray, factors: dict[int, np.ndarray]) -> np.ndarray:
    operator = _placed(factors, states.shape[1].bit_length() - 1).toarray()
    return np.einsum("tij,ji->t", states, operator).real
