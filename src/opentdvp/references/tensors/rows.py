"""Chains of tensors as rows of numbers, one per output time, to be kept in a file.

A row has all tensors, then the Schmidt values and the parities of all bonds, then the norm. Bonds
grow in time, so rows are filled up with zeros to the length of the longest one.
"""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from opentdvp.references.tensors.evolution import Tensors
from opentdvp.references.tensors.space import Chain

#: What follows the name of an evolution in that of the dimensions of its bonds.
BONDS = "_bonds"


class Row(NamedTuple):
    """Numbers, and the dimensions of the bonds at the left of each tensor and after the last."""

    numbers: Float[np.ndarray, " numbers"]
    bonds: Int[np.ndarray, " bonds"]


def to_row(chain: Chain, tensors: Tensors) -> Row:
    """All that `from_row` needs."""
    parts = [*tensors.tensors, *tensors.values, *tensors.parities, np.array(tensors.norm)]
    flat = np.concatenate([part.reshape(-1) for part in parts])
    bonds = [tensor.shape[0] for tensor in tensors.tensors] + [tensors.tensors[-1].shape[2]]
    return Row(flat.astype(_kind(chain)).view(float), np.array(bonds))


def from_row(chain: Chain, row: Row) -> Tensors:
    """The tensors again, to the last bit."""
    numbers: np.ndarray = np.ascontiguousarray(row.numbers).view(_kind(chain))
    bonds, dimensions = row.bonds.tolist(), [len(start) for start in chain.starts]
    inner = bonds[:-1]
    shapes: list[tuple[int, ...]] = list(zip(inner, dimensions, bonds[1:], strict=True))
    shapes += [(bond,) for bond in inner + bonds]
    ends = np.cumsum([prod(shape) for shape in shapes])
    parts = [
        part.reshape(shape)
        for part, shape in zip(np.split(numbers[: ends[-1]], ends[:-1]), shapes, strict=True)
    ]
    count = len(inner)
    return Tensors(
        tuple(parts[:count]),
        tuple(part.real for part in parts[count : 2 * count]),
        tuple(part.real.astype(int) for part in parts[2 * count :]),
        float(numbers[ends[-1]].real),
    )


def stacked(rows: Sequence[Row]) -> Row:
    """Rows of all times as one table, and likewise their bonds."""
    longest = max(row.numbers.size for row in rows)
    table = np.zeros((len(rows), longest))
    for entry, row in zip(table, rows, strict=True):
        entry[: row.numbers.size] = row.numbers
    return Row(table, np.stack([row.bonds for row in rows]))


def largest_row(chain: Chain, bond_dimension: int) -> int:
    """Bytes of the tensors of a row whose bonds are as large as they may be."""
    dimensions = [len(start) for start in chain.starts]
    bonds = [bond_dimension] * (len(dimensions) + 1)
    if not chain.layout.infinite:
        for k in range(len(bonds)):
            bonds[k] = min(bond_dimension, prod(dimensions[:k]), prod(dimensions[k:]))
    sizes = [a * d * b for a, d, b in zip(bonds[:-1], dimensions, bonds[1:], strict=True)]
    return sum(sizes) * np.dtype(_kind(chain)).itemsize


def _kind(chain: Chain) -> type:
    return complex if chain.space.pure else float
