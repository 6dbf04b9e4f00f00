"""The lattices that a configuration may name."""

from opentdvp.geometry.lattice import Lattice, Pair, Step


def chain(length: int, periodic: bool) -> Lattice:
    """Sites in a row."""
    return Lattice((length,), periodic)


def square(size: tuple[int, int], periodic: tuple[bool, bool]) -> Lattice:
    """A grid of Lx × Ly sites; an open axis of few makes it a ladder."""
    return Lattice(size, periodic)


def triangular(size: tuple[int, int], periodic: tuple[bool, bool]) -> Lattice:
    """Six neighbours each: along a₁ = (1, 0), a₂ = (1/2, √3/2) and a₂ − a₁."""
    vectors = ((1.0, 0.0), (0.5, 0.75**0.5))
    return Lattice(
        size, periodic, vectors=vectors, steps=(Step((1, 0)), Step((0, 1)), Step((-1, 1)))
    )


def honeycomb(cells: tuple[int, int], periodic: tuple[bool, bool]) -> Lattice:
    """Three neighbours each: cells of two sites at distance 1, on the grid a wall of bricks."""
    root = 3**0.5
    return Lattice(
        (2 * cells[0], cells[1]),
        periodic,
        cell=2,
        vectors=((root, 0.0), (root / 2, 1.5)),
        basis=((0.0, 0.0), (root / 2, 0.5)),
        steps=(Step((1, 0), 0), Step((1, 0), 1), Step((-1, 1), 1)),
    )


def graph(positions: tuple[tuple[float, ...], ...], bonds: tuple[Pair, ...]) -> Lattice:
    """Sites anywhere in the plane, and their bonds."""
    return Lattice((len(positions),), False, graph=(positions, bonds))
