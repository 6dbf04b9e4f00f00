"""How many elements the equations of a cut have, before its strings are listed: from some of them.

A string leads to what it shares sites with; what is beyond the cut is left out. That depends on
lattice, cut and model, so it is counted for random strings, the same ones every time.
"""

from math import prod

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.cuts import Cut, count_supports, kept_permutations
from opentdvp.physics.pauli.local_generators import LETTERS
from opentdvp.references.moments.centred import find_groups
from opentdvp.references.moments.entries import Structure, find_leads

# Strings of every weight.
_SAMPLE = 400

_SEED = 0


def elements_per_moment(
    model: Model,
    permutations: Int[np.ndarray, "group sites"],
    turns: tuple[str, ...],
    cut: Cut,
) -> float:
    """Matrix elements per moment, about; permutations and half turns are symmetries."""
    random = np.random.default_rng(_SEED)
    parts = [
        _sample(model.lattice, cut, weight, turns, random)
        for weight in range(1, min(cut.weight, model.n_sites) + 1)
        if count_supports(model.lattice, weight, cut)
    ]
    strings, shares = (np.concatenate(part) for part in zip(*parts, strict=True))
    structure = _structure(model, kept_permutations(model.lattice, permutations, cut), turns)
    words = random.integers(2**62, size=2 + model.n_sites)
    keys, rows = [], []
    for leads in find_leads(structure, strings):
        kept = _is_kept(model.lattice, cut, leads.targets)
        # The same element by the same coefficient is there once.
        keys.append(
            (leads.rows * words[0] + leads.places * words[1] + leads.targets @ words[2:])[kept]
        )
        rows.append(leads.rows[kept])
    _, first = np.unique(np.concatenate(keys), return_index=True)
    return float(shares[np.concatenate(rows)[first]].sum() / (shares.sum() or 1.0))


def _structure(model: Model, permutations: np.ndarray, turns: tuple[str, ...]) -> Structure:
    """With means that are the same where a symmetry says so."""
    letters = np.arange(1, len(LETTERS), dtype=np.int8)
    numbers = permutations.min(axis=0)[:, None] * len(letters) + letters - 1
    means = np.where(_is_odd(letters[:, None], turns), -1, numbers)
    return Structure(means, find_groups(model, means))


def _is_kept(
    lattice: Lattice, cut: Cut, strings: Int8[np.ndarray, "strings sites"]
) -> Bool[np.ndarray, " strings"]:
    """Whether strings are in the matrix: within the cut, and of two letters at least."""
    weights = np.count_nonzero(strings, axis=1)
    kept = np.zeros(len(strings), dtype=bool)
    for weight in range(2, cut.weight + 1):
        (rows,) = np.nonzero(weights == weight)
        sites = np.nonzero(strings[rows])[1].reshape(len(rows), weight)
        kept[rows] = cut.keeps(lattice, sites)
    return kept


def _is_odd(strings: np.ndarray, turns: tuple[str, ...]) -> Bool[np.ndarray, " strings"]:
    odd = np.zeros(len(strings), dtype=bool)
    for axis in turns:
        signed = (strings != 0) & (strings != LETTERS.index(axis))
        odd |= signed.sum(axis=1) % 2 == 1
    return odd


def _sample(
    lattice: Lattice, cut: Cut, weight: int, turns: tuple[str, ...], random: np.random.Generator
) -> tuple[Int8[np.ndarray, "strings sites"], Float[np.ndarray, " strings"]]:
    """Random strings of a weight without odd ones, and for how many each of them stands."""
    sites, boxes = _supports(lattice, cut.range_of(weight), weight, random)
    strings = np.zeros((_SAMPLE, lattice.n_sites), dtype=np.int8)
    letters = random.integers(1, len(LETTERS), sites.shape, dtype=np.int8)
    np.put_along_axis(strings, sites, letters, axis=1)
    count = count_supports(lattice, weight, cut) * (len(LETTERS) - 1.0) ** weight
    # What is in several boxes is drawn more often.
    shares = count * (1 / boxes) / (1 / boxes).sum()
    even = ~_is_odd(strings, turns)
    return strings[even], shares[even]


def _supports(
    lattice: Lattice, reach: int, weight: int, random: np.random.Generator
) -> tuple[Int[np.ndarray, "supports weight"], Int[np.ndarray, " supports"]]:
    """Different sites in random boxes of a range, and in how many boxes they are."""
    sides = [min(reach, length) for length in lattice.shape]
    chosen = np.argsort(random.random((_SAMPLE, prod(sides))), axis=1)[:, :weight]
    inside = np.unravel_index(chosen, sides)
    places, boxes = [], np.ones(_SAMPLE, dtype=int)
    for along, side, length, closed in zip(
        inside, sides, lattice.shape, lattice.closed, strict=True
    ):
        corners = np.arange(length if closed and side < length else length - side + 1)
        places.append((along + random.choice(corners, (_SAMPLE, 1))) % length)
        distances = (places[-1][:, None] - corners[:, None]) % length
        boxes *= (distances < side).all(axis=2).sum(axis=1)
    return np.ravel_multi_index(places[::-1], lattice.shape[::-1]), boxes
