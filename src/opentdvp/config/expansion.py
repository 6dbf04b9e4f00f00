"""What couplings and fields stand for: sites and strengths, one by one."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, ParamSpec, TypeVar

from opentdvp.config.interactions import Coupling, SiteField
from opentdvp.config.strengths import Drawn, Drive, numbers
from opentdvp.geometry.lattice import Lattice

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Kind = type[Coupling] | type[SiteField]


class Placed(NamedTuple):
    """Pauli letters on some sites, with a strength."""

    letters: str
    sites: tuple[int, ...]
    strength: float
    drive: Drive | None


def expand(table: dict[Any, Any], kind: Kind, lattice: Lattice) -> Iterator[Placed]:
    """Every term that couplings or fields stand for."""
    for letters, given in table.items():
        for entry in _entries(given, kind):
            places = _places(entry, letters, lattice)
            strengths = _numbers(entry, len(places))
            if isinstance(entry, Coupling) and entry.power_law is not None:
                lengths = [float(lattice.distances[i, j]) for i, j in places]
                law = entry.power_law
                strengths = tuple(
                    s * r**-law.exponent for s, r in zip(strengths, lengths, strict=True)
                )
            for sites, strength in zip(places, strengths, strict=True):
                yield Placed(letters, sites, strength, entry.drive)


def written_out(given: Any, kind: Kind, key: str, letters: str, lattice: Lattice) -> Any:
    """What stands for some letters, with numbers in place of what is random.

    Raises
    ------
    ValueError
        If it does not fit the lattice; names the key.
    """
    several = isinstance(given, tuple) and all(isinstance(entry, kind) for entry in given)
    found = []
    for number, entry in enumerate(_entries(given, kind)):
        here = f"{key}.{number}" if several else key
        places = named(here, _places, entry, letters, lattice)
        strengths = named(here, _numbers, entry, len(places))
        if isinstance(entry.strength, Drawn):
            entry = entry.model_copy(update={"strength": tuple(strengths)})
        found.append(entry)
    if several:
        return tuple(found)
    return found[0] if isinstance(given, kind) else found[0].strength


def named(
    key: str,
    function: Callable[Arguments, Result],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Result:
    """A result; an error says the key first."""
    try:
        return function(*args, **kwargs)
    except ValueError as error:
        said = str(error)
        inside = said.startswith("`")
        raise ValueError(f"`{key}.{said[1:]}" if inside else f"`{key}` {said}") from error


def _entries(given: Any, kind: Kind) -> tuple[Any, ...]:
    if isinstance(given, tuple) and all(isinstance(entry, kind) for entry in given):
        return given
    return (given,) if isinstance(given, kind) else (kind.model_construct(set(), strength=given),)


def _places(entry: Any, letters: str, lattice: Lattice) -> tuple[tuple[int, ...], ...]:
    if isinstance(entry, SiteField):
        return tuple((site,) for site in entry.chosen(lattice.n_sites))
    if len(letters) == 2:
        return tuple(entry.pairs(lattice))
    if entry.chooses or len(lattice.shape) > 1 or lattice.graph is not None:
        raise ValueError(
            "must be on all threes of neighbouring sites of a chain; use `terms` for other sites"
        )
    return tuple((i, (i + 1) % lattice.n_sites, k) for i, k in lattice.pairs(2))


def _numbers(entry: Any, count: int) -> tuple[float, ...]:
    try:
        return numbers(entry.strength, count)
    except ValueError as error:
        # What stands without the key is the strength itself.
        key = "`strength` " if entry.model_fields_set else ""
        raise ValueError(f"{key}{error}") from error
