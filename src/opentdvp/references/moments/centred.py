"""The Lindbladian on one to three sites, in centred Pauli matrices.

With δ = σ − m, m the mean of this letter on this site, <Π δ> obeys a linear equation whose matrix
depends on the means. On a group of sites it is S G S⁻¹ with the generator G of Pauli strings and
δ = S σ. The means move, which takes from it their velocity times 1, letter by letter: of that, what
follows from the means alone is done here, group by group; what follows from correlations is not.
"""

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Inexact, Int

from opentdvp.physics.model import Model
from opentdvp.physics.pauli.local_generators import LETTERS, local_generators

#: Letters of a site.
SITE = len(LETTERS)

#: Of how many sites there are groups; the tables are in this order.
WIDTHS = (3, 2, 1)

# Relative to the largest of what is added in an entry, so much is rounding.
_ROUNDING = 1e-12

# Axes: classes, and twice the strings of letters on a group, the first site leading.
_Tables = Inexact[np.ndarray, "classes strings strings"]


class Groups(NamedTuple):
    """Generators on groups of so many sites: of every class, and the class of every group.

    They are there for every part of the model: what is constant, and what each drive multiplies.
    `means` are the numbers of the unknowns that are the means of the sites, negative where they
    vanish. `leads` tells which entries are not always zero.
    """

    generators: Float[np.ndarray, "parts classes strings strings"]
    means: Int[np.ndarray, "classes width 3"]
    leads: Bool[np.ndarray, "classes strings strings"]
    sites: Int[np.ndarray, "groups width"]
    number: Int[np.ndarray, " groups"]

    def tables(self, factors: Sequence[float], means: Inexact[np.ndarray, " unknowns"]) -> _Tables:
        """Σ f G of all parts, centred; behind the last of the means is what vanishes."""
        total = np.einsum("p,pkab->kab", factors, self.generators)
        return centred(total, means[self.means])


def find_groups(model: Model, means: Int[np.ndarray, "sites 3"]) -> tuple[Groups, ...]:
    """The generators on all groups of sites where something happens, by width."""
    parts = [local_generators(part) for _, part in model.parts()]
    return tuple(_of_width(width, parts, means) for width in WIDTHS)


def _of_width(
    width: int, parts: list[dict[tuple[int, ...], np.ndarray]], means: np.ndarray
) -> Groups:
    found = (sites for part in parts for sites, g in part.items() if g.any())
    places = sorted({sites for sites in found if len(sites) == width})
    nothing = np.zeros((SITE**width,) * 2)
    generators = [np.array([part.get(sites, nothing) for part in parts]) for sites in places]
    sites = np.array(places, dtype=int).reshape(-1, width)
    first, number = _classes(generators, means[sites])
    shape = (len(first), len(parts), *nothing.shape)
    every = np.array([generators[k] for k in first]).reshape(shape).swapaxes(0, 1).copy()
    there = means[sites][first]
    some = _some_means(there)
    leads = np.any([_not_zero(part, some) for part in every], axis=0)
    return Groups(every, there, leads, sites, number)


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


def _not_zero(generators: np.ndarray, means: np.ndarray) -> Bool[np.ndarray, "classes n n"]:
    """Which entries are more than rounding, by how much is added in each of them."""
    below, above = np.abs(_frames(means, -1)), np.abs(_frames(means, 1))
    added = _moving(below @ np.abs(generators) @ above, 1)
    return np.abs(centred(generators, means)) > _ROUNDING * added


def centred(generators: np.ndarray, means: Inexact[np.ndarray, "classes width 3"]) -> _Tables:
    """Row: letters of a group; column: those that they lead to.

    From one letter to none, it is a part of the velocity of its mean; that has been taken from the
    entries of several letters.
    """
    return _moving(_frames(means, -1) @ generators @ _frames(means, 1), -1)


def _moving(tables: _Tables, sign: int) -> _Tables:
    """The tables with the velocities times a sign, where one of several letters is lost."""
    rows, left, lost = _losses(int(np.emath.logn(SITE, tables.shape[-1]).round()))
    tables[:, rows, left] += sign * tables[:, lost, 0]
    return tables


@cache
def _losses(width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of several letters, what is left without one of them, and the row of that one alone."""
    strings = np.array(list(product(range(SITE), repeat=width)))
    several = np.count_nonzero(strings, axis=1) > 1
    rows, place = np.nonzero(strings * several[:, None])
    lost = strings[rows, place] * SITE ** (width - 1 - place)
    return rows, rows - lost, lost


def _frames(means: Inexact[np.ndarray, "classes width 3"], sign: int) -> _Tables:
    """Products of σ + sign · m over the sites of a group, in Pauli strings."""
    width = means.shape[1]
    frames = np.broadcast_to(np.eye(SITE, dtype=means.dtype), (*means.shape[:2], SITE, SITE)).copy()
    frames[..., 1:, 0] = sign * means
    whole = frames[:, 0]
    for site in range(1, width):
        size = SITE ** (site + 1)
        whole = np.einsum("kab,kcd->kacbd", whole, frames[:, site]).reshape(-1, size, size)
    return whole
