"""Expectation values of Pauli strings from a chain of tensors."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from opentdvp.physics.pauli.strings import PauliString
from opentdvp.references.tensors.environments import Environments
from opentdvp.references.tensors.space import Chain

# By number of the tensor, ascending, what a string has on its spins.
_Placed = tuple[tuple[int, PauliString], ...]


def string_expectations(
    chain: Chain, environments: Environments, strings: Sequence[PauliString], n_sites: int
) -> Float[np.ndarray, " strings"]:
    """The expectation values of Pauli strings on so many sites.

    In an infinite chain in place of a ring, a string goes the shortest way around the ring.
    """
    found = np.zeros(len(strings))
    by_first: dict[int, dict[int, _Placed]] = defaultdict(dict)
    for number, string in enumerate(strings):
        placed = _placed(chain, string, n_sites)
        by_first[placed[0][0]][number] = placed
    for first, group in by_first.items():
        _follow(chain, environments, environments.start(first), first, group, found)
    return found


def _follow(
    chain: Chain,
    environments: Environments,
    passed: np.ndarray,
    tensor: int,
    group: dict[int, _Placed],
    found: np.ndarray,
) -> None:
    """Enter the values of strings that go on from a tensor, with what was passed before it."""
    while group:
        here: dict[PauliString, dict[int, _Placed]] = defaultdict(dict)
        for number, placed in group.items():
            if placed[0][0] == tensor:
                here[placed[0][1]][number] = placed[1:]
        k = tensor % len(chain.layout.tensors)
        for operators, rest in here.items():
            functional = chain.functional(k, dict(operators))
            ended = [number for number, placed in rest.items() if not placed]
            if ended:
                found[ended] = environments.close(passed, k, functional)[0]
            going = {number: placed for number, placed in rest.items() if placed}
            if going:
                behind = environments.advance(passed, k, functional)
                _follow(chain, environments, behind, tensor + 1, going, found)
        group = {number: placed for number, placed in group.items() if placed[0][0] > tensor}
        if group:
            passed = environments.advance(passed, k, chain.functional(k, {}))
        tensor += 1


def _placed(chain: Chain, string: PauliString, n_sites: int) -> _Placed:
    tensors = chain.layout.tensors
    if chain.layout.infinite:
        cell = len(tensors)
        unrolled = _unrolled(string, n_sites, cell)
        return tuple((site, ((site % cell, letter),)) for site, letter in unrolled)
    number = {spin: k for k, spins in enumerate(tensors) for spin in spins}
    by_tensor: dict[int, PauliString] = defaultdict(tuple)
    for spin, letter in string:
        by_tensor[number[spin]] += ((spin, letter),)
    return tuple(sorted(by_tensor.items()))


def _unrolled(string: PauliString, n_sites: int, cell: int) -> PauliString:
    """A string on a ring as one on a chain, from the first cell on: cut at its largest gap."""
    sites = np.array([site for site, _ in string])
    gaps = np.diff(sites, append=sites[0] + n_sites)
    # Of equal ones the last, so that the order of the sites stays.
    last = len(sites) - 1 - int(np.argmax(gaps[::-1]))
    turned = [
        *string[last + 1 :],
        *((site + n_sites, letter) for site, letter in string[: last + 1]),
    ]
    start = turned[0][0] - turned[0][0] % cell
    return tuple((site - start, letter) for site, letter in turned)
