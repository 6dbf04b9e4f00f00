"""Pauli strings on sites, and estimates of what follows from their expectation values.

The estimate of a function f of means over n independent groups of samples is that without the bias
of first order, n f − (n − 1) mean of f_k, where f_k leaves out group k (Quenouille); its standard
error is the root of (n − 1)/n Σ (f_k − mean)² (Tukey).
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from opentdvp.config.observables import PauliString

__all__ = [
    "Estimate",
    "Expectations",
    "PauliString",
    "ascending",
    "jackknife",
    "letters_of",
    "sites_of",
]

#: Of values by time and string, or by time, group and string.
Function = Callable[[Float[np.ndarray, "*times n strings"]], Float[np.ndarray, "*times n outputs"]]


class Expectations(NamedTuple):
    """Expectation values of Pauli strings at some times, and what is known of their errors.

    Attributes
    ----------
    values
        One for every string.
    groups
        Of samples: means of independent groups of equal weight, whose average is `values`.
    errors
        What a solver states without samples: bounds, which are added where several strings are
        needed.
    """

    values: Float[np.ndarray, "*times strings"]
    groups: Float[np.ndarray, "*times n strings"] | None = None
    errors: Float[np.ndarray, "*times strings"] | None = None


class Estimate(NamedTuple):
    """Mean and standard error of an observable."""

    mean: Float[np.ndarray, "..."]
    stderr: Float[np.ndarray, "..."]


def ascending(letters: str, sites: Iterable[int]) -> PauliString:
    """Pauli matrices on different sites as a string."""
    return tuple(sorted((int(site), letter) for site, letter in zip(sites, letters, strict=True)))


def letters_of(string: PauliString) -> str:
    """The Pauli matrices of a string, in the order of its sites."""
    return "".join(letter for _, letter in string)


def sites_of(string: PauliString) -> tuple[int, ...]:
    """The sites of a string, ascending."""
    return tuple(site for site, _ in string)


def jackknife(function: Function, expectations: Expectations) -> Estimate:
    """A function of expectation values; without groups, its error is zero."""
    values, groups = expectations.values, expectations.groups
    whole = function(values[..., None, :])[..., 0, :]
    if groups is None:
        return Estimate(whole, np.zeros_like(whole))
    count = groups.shape[-2]
    without = function((count * values[..., None, :] - groups) / (count - 1))
    mean = without.mean(axis=-2)
    spread = np.sum((without - mean[..., None, :]) ** 2, axis=-2)
    return Estimate(count * whole - (count - 1) * mean, np.sqrt((count - 1) / count * spread))
