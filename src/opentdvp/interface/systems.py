"""Systems and jumps from Python: the same models as in a configuration, made by keywords."""

from collections.abc import Mapping, Sequence
from typing import Any, Self, TypedDict, Unpack

from opentdvp import config
from opentdvp.config import jumps as jump_models
from opentdvp.config.lattice import Lattice
from opentdvp.errors import ConfigError
from opentdvp.interface.validated import Validated, plain

#: Largest distance of the correlators that are observed where none are named.
_FARTHEST = 4

_PAIRS = ("XX", "YY", "ZZ")


class Physics(TypedDict, total=False):
    """What all constructors of systems take besides their lattice, see `System`."""

    couplings: Mapping[str, Any]
    fields: Mapping[str, Any]
    terms: Sequence[Any]
    jumps: Sequence[Any]
    start: Any
    stop: float
    points: int
    times: Sequence[float]
    observables: Any


class Jump(Validated, jump_models.Jump):
    """A jump operator and its rate γ: γ(LρL† − ½{L†L, ρ}) on every site, or on some.

    Parameters
    ----------
    operator
        sigma_minus, sigma_plus, X, Y, Z, an expression of these, or a matrix.
    rate
        One for all sites, or a list with one for each.
    keys
        `sites`, `bonds`, `rates`, `drive`, as in a configuration (config/README.md).

    Raises
    ------
    ConfigError
        If a key is wrong.

    Examples
    --------
    >>> import opentdvp as od
    >>> od.Jump("sigma_minus", 1.0).rate
    1.0
    >>> od.Jump("Z", 0.5, sites=[0]).sites
    (0,)
    """

    def __init__(self, /, operator: Any, rate: Any = None, **keys: Any) -> None:
        given = {} if rate is None else {"rate": rate}
        super().__init__(operator=operator, **given, **keys)


class System(Validated, config.System):
    """An open quantum spin system that cannot be changed; its constructors are those of lattices.

    Lattices are periodic unless told otherwise.

    Parameters
    ----------
    couplings
        By Pauli pair, such as {"XX": 2}: strengths of all nearest-neighbour bonds, or on which
        bonds.
    fields
        By Pauli letter, such as {"Z": 1}: strengths of all sites.
    terms, jumps
        Pauli strings on named sites; a list of `Jump`.
    start
        Bloch vector of the product start state, such as {"Y": -1}, or a list of one for each site.
    stop, points, times
        Observables are given at `points` equidistant times (61) from 0 to `stop`, or at `times`.
    observables
        As in a configuration. Without it, magnetisations, and correlators XX, YY and ZZ at
        distances of up to four.

    Raises
    ------
    ConfigError
        If a key is wrong, or does not fit the lattice.

    Examples
    --------
    >>> import opentdvp as od
    >>> system = od.System.chain(4, couplings={"ZZ": 1}, fields={"X": 0.5}, start={"Z": 1}, stop=2)
    >>> system.lattice.n_sites
    4
    >>> od.System.square(3, 3, couplings={"ZZ": 1}, start={"Z": 1}, stop=2).fields
    {}
    >>> system.time = 3
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: 1 validation error for System
    ...
    """

    @classmethod
    def chain(cls, length: int, *, periodic: bool = True, **physics: Unpack[Physics]) -> Self:
        """A ring of `length` sites; an open chain, if it is not `periodic`.

        >>> import opentdvp as od
        >>> od.System.chain(3, start={"X": 1}, stop=1, periodic=False).lattice.closed
        (False,)
        """
        return cls._on({"kind": "chain", "size": [length], "periodic": periodic}, physics)

    @classmethod
    def ladder(
        cls, length: int, legs: int = 2, *, periodic: bool = True, **physics: Unpack[Physics]
    ) -> Self:
        """Rings of `length` sites side by side; open chains, if they are not `periodic`.

        >>> import opentdvp as od
        >>> od.System.ladder(3, start={"X": 1}, stop=1).lattice.n_sites
        6
        """
        return cls._on({"kind": "ladder", "size": [length, legs], "periodic": periodic}, physics)

    @classmethod
    def square(
        cls,
        length: int,
        width: int,
        *,
        periodic: bool | Sequence[bool] = True,
        **physics: Unpack[Physics],
    ) -> Self:
        """A square lattice, `periodic` along both axes, along those that are true, or along none.

        >>> import opentdvp as od
        >>> od.System.square(3, 2, start={"X": 1}, stop=1, periodic=[True, False]).lattice.closed
        (True, False)
        """
        return cls._on({"kind": "square", "size": [length, width], "periodic": periodic}, physics)

    @classmethod
    def triangular(
        cls,
        length: int,
        width: int,
        *,
        periodic: bool | Sequence[bool] = True,
        **physics: Unpack[Physics],
    ) -> Self:
        """A triangular lattice; the rest is as for `square`.

        >>> import opentdvp as od
        >>> od.System.triangular(3, 3, start={"X": 1}, stop=1).lattice.kind
        'triangular'
        """
        keys = {"kind": "triangular", "size": [length, width], "periodic": periodic}
        return cls._on(keys, physics)

    @classmethod
    def honeycomb(
        cls,
        length: int,
        width: int,
        *,
        periodic: bool | Sequence[bool] = True,
        **physics: Unpack[Physics],
    ) -> Self:
        """A honeycomb of `length` × `width` cells of two sites; the rest is as for `square`.

        >>> import opentdvp as od
        >>> od.System.honeycomb(2, 2, start={"X": 1}, stop=1).lattice.n_sites
        8
        """
        keys = {"kind": "honeycomb", "size": [length, width], "periodic": periodic}
        return cls._on(keys, physics)

    @classmethod
    def graph(
        cls,
        sites: Sequence[Sequence[float]],
        bonds: Sequence[tuple[int, int]],
        **physics: Unpack[Physics],
    ) -> Self:
        """Any sites, by their positions, and bonds, pairs of their numbers.

        >>> import opentdvp as od
        >>> star = [(0, 1), (0, 2), (0, 3)]
        >>> places = [(0, 0), (0, 1), (1, 0), (-1, 0)]
        >>> od.System.graph(places, star, start={"X": 1}, stop=1).lattice.n_sites
        4
        """
        return cls._on({"kind": "graph", "sites": plain(sites), "bonds": plain(bonds)}, physics)

    @classmethod
    def _on(cls, lattice: dict[str, Any], physics: Physics) -> Self:
        keys: dict[str, Any] = {name: plain(value) for name, value in physics.items()}
        time = {name: keys.pop(name) for name in ("stop", "points", "times") if name in keys}
        if "time" not in keys:
            if not {"stop", "times"} & time.keys():
                raise ConfigError("`stop` is required, or `times` in its place, but is missing.")
            keys["time"] = time
        if keys.get("observables") is None:
            keys["observables"] = _observed(lattice)
        return cls(lattice=lattice, **keys)


def _observed(lattice: dict[str, Any]) -> dict[str, Any]:
    """Magnetisations and the correlators at short distances that the lattice has."""
    try:
        known = Lattice.model_validate(lattice)
    except ValueError:  # the system itself says what is wrong
        return {}
    length = known.extent[0]
    largest = min(_FARTHEST, length // 2 if known.closed[0] else length - 1)
    distances = list(range(1, largest + 1))
    return {"correlators": dict.fromkeys(_PAIRS, distances) if distances else {}}
