"""The Lindbladian on one site and on a pair, in centred Pauli matrices.

With δ = σ − m, m the mean of this letter on this site, <Π δ> obeys a linear equation whose matrix
depends on the means. On a site or a pair it is S G S⁻¹ with the generator G of Pauli strings and
δ = S σ. The means move, which takes from it their velocity times 1, letter by letter: of that, what
follows from the means alone is done here, pair by pair; what follows from correlations is not.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Inexact, Int

from opentdvp.physics.model import Model
from opentdvp.physics.pauli.local_generators import LETTERS, local_generators

#: Letters of a site, and pairs of letters, with the first site leading.
SITE, PAIR = len(LETTERS), len(LETTERS) ** 2

# Not zero but by rounding; terms have strength 1 where this is asked.
_NOTHING = 1e-9


class Sites(NamedTuple):
    """Generators on sites: of every class, and the class of every site."""

    generators: np.ndarray
    means: Int[np.ndarray, "classes 3"]
    number: Int[np.ndarray, " sites"]


class Pairs(NamedTuple):
    """Generators on pairs: of every class, and the class of every pair of sites.

    `means` are the numbers of the unknowns that are the means of both sites, negative where they
    vanish. `leads` tells which entries are not always zero.
    """

    generators: np.ndarray
    means: Int[np.ndarray, "classes 2 3"]
    leads: Bool[np.ndarray, "classes 16 16"]
    sites: Int[np.ndarray, "pairs 2"]
    number: Int[np.ndarray, " pairs"]


def find_sites(model: Model, means: Int[np.ndarray, "sites 3"]) -> Sites:
    """The generators on all sites; `means` are the unknowns that are the means of each."""
    found, nothing = local_generators(model), np.zeros((SITE, SITE))
    generators = [found.get((site,), nothing) for site in range(model.n_sites)]
    first, number = _classes(generators, means)
    return Sites(np.array(generators)[first], means[first], number)


def find_pairs(model: Model, means: Int[np.ndarray, "sites 3"]) -> Pairs:
    """The generators on all pairs that some term couples."""
    found = local_generators(model).items()
    generators = {sites: g for sites, g in found if len(sites) == 2 and g.any()}
    leads: dict[tuple[int, ...], np.ndarray] = {}
    for sites, generator in generators.items():
        one = generator[None] / np.abs(generator).max()
        some = np.abs(centred_pairs(one, _some_means(means[list(sites)])[None])) > _NOTHING
        leads[sites] = some[0]
    places = np.array(list(generators), dtype=int).reshape(-1, 2)
    every = np.array(list(generators.values())).reshape(-1, PAIR, PAIR)
    first, number = _classes(list(every), means[places].reshape(-1, 6))
    led = np.array(list(leads.values()), dtype=bool).reshape(-1, PAIR, PAIR)
    return Pairs(every[first], means[places][first], led[first], places, number)


def _classes(generators: list[np.ndarray], means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One of every class that has the same generator and means, and the class of each."""
    known: dict[bytes, int] = {}
    first: list[int] = []
    number = np.zeros(len(generators), dtype=int)
    for k, (generator, where) in enumerate(zip(generators, means, strict=True)):
        key = generator.tobytes() + where.tobytes()
        if key not in known:
            known[key] = len(first)
            first.append(k)
        number[k] = known[key]
    return np.array(first, dtype=int), number


def _some_means(numbers: np.ndarray) -> np.ndarray:
    """Means at which nothing vanishes by chance, 0 where it does by symmetry."""
    return np.where(numbers < 0, 0.0, 0.3 + 0.4 * np.modf(0.618034 * (1 + numbers))[0])


def _frames(
    means: Inexact[np.ndarray, "classes 3"], sign: int
) -> Inexact[np.ndarray, "classes 4 4"]:
    frames = np.broadcast_to(np.eye(SITE, dtype=means.dtype), (len(means), SITE, SITE)).copy()
    frames[:, 1:, 0] = sign * means
    return frames


def centred_sites(
    generators: np.ndarray, means: Inexact[np.ndarray, "classes 3"]
) -> Inexact[np.ndarray, "classes 4 4"]:
    """Row: letter; column: what it leads to. To I, it is a part of the velocity of its mean."""
    return _frames(means, -1) @ generators @ _frames(means, 1)


def centred_pairs(
    generators: np.ndarray, means: Inexact[np.ndarray, "classes 2 3"]
) -> Inexact[np.ndarray, "classes 16 16"]:
    """Row: letters of a pair; column: those that they lead to.

    From one letter to none, it is a part of the velocity of its mean; that has been taken from the
    other entries.
    """
    tables = _both(means, -1) @ generators @ _both(means, 1)
    velocity = tables[:, :, 0].reshape(-1, SITE, SITE)
    moving = tables.reshape(-1, *[SITE] * 4).copy()
    for letter in range(SITE):
        moving[:, 1:, letter, 0, letter] -= velocity[:, 1:, 0]
        moving[:, letter, 1:, letter, 0] -= velocity[:, 0, 1:]
    moving[:, 1:, 0, 0, 0] = velocity[:, 1:, 0]
    moving[:, 0, 1:, 0, 0] = velocity[:, 0, 1:]
    return moving.reshape(-1, PAIR, PAIR)


def _both(means: np.ndarray, sign: int) -> np.ndarray:
    first, second = _frames(means[:, 0], sign), _frames(means[:, 1], sign)
    return np.einsum("kab,kcd->kacbd", first, second).reshape(-1, PAIR, PAIR)
