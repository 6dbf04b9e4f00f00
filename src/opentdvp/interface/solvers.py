"""Solvers from Python: the same models as in a configuration, without the key `method`."""

from typing import Any, ClassVar, Literal, Self

from opentdvp.config import (
    DephasingSolver,
    ExactSolver,
    MomentsSolver,
    ReducedExactSolver,
    TdvpSolver,
    TensorNetworkSolver,
    WaveFunctionSolver,
)
from opentdvp.config.base import StrictModel
from opentdvp.config.presets import PRESET_KEY, with_preset
from opentdvp.errors import ConfigError
from opentdvp.interface.own_networks import described
from opentdvp.interface.validated import Validated, plain


class _Solver(Validated):
    """What all solvers have: presets."""

    #: The preset whose numbers stand for what is not given, if there is one.
    _fallback: ClassVar[str] = ""

    def __init__(self, /, **keys: Any) -> None:
        if self._fallback:
            keys = _numbers(self._name(), self._fallback, keys)
        super().__init__(**keys)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """The solver with the numbers of a preset, `quick` or `accurate`, and some changes.

        Mappings are merged with those of the preset; one of another `kind` replaces it.

        Raises
        ------
        ConfigError
            If there is no such preset, or a key is wrong.

        Examples
        --------
        >>> import opentdvp as od
        >>> od.Mpo.preset("quick", bond_dimension=80).bond_dimension
        80
        """
        return cls(**_numbers(cls._name(), name, changes))

    @classmethod
    def _name(cls) -> str:
        return str(cls.model_fields["method"].default)


def _numbers(method: str, preset: str, changes: dict[str, Any]) -> dict[str, Any]:
    given = {key: plain(value) for key, value in changes.items()}
    try:
        keys = with_preset({**given, "method": method, PRESET_KEY: preset})
    except ValueError as error:
        raise ConfigError(f"{error}.") from None
    return {key: value for key, value in keys.items() if key != "method"}


class Tdvp(_Solver, TdvpSolver):
    """A neural network by the time-dependent variational principle, in POVM form.

    Keys are those of a configuration (config/README.md). `network` may also be an instance of an
    own class, such as `MyNetwork(width=8)`: its code is part of the run's identity, with all that
    it uses of the notebook that it is defined in (docs/own_network.md).

    Examples
    --------
    >>> import opentdvp as od
    >>> od.Tdvp.preset("quick", seed=2).network.kind
    'jastrow'
    """

    method: Literal["tdvp"] = "tdvp"

    def __init__(self, /, **keys: Any) -> None:
        network = keys.get("network")
        if network is not None and not isinstance(network, dict | StrictModel):
            keys = keys | {"network": described(network)}
        super().__init__(**keys)


class Exact(_Solver, ExactSolver):
    """Exact evolution of the density matrix with QuTiP; `accurate` unless told otherwise.

    Examples
    --------
    >>> import opentdvp as od
    >>> od.Exact().relative_tolerance
    1e-08
    """

    method: Literal["exact"] = "exact"
    _fallback = "accurate"


class ExactReduced(_Solver, ReducedExactSolver):
    """Exact evolution of one expectation value for each orbit of the symmetries; as `Exact`.

    Examples
    --------
    >>> import opentdvp as od
    >>> od.ExactReduced(relative_tolerance=1e-6).absolute_tolerance
    1e-10
    """

    method: Literal["exact_reduced"] = "exact_reduced"
    _fallback = "accurate"


class Moments(_Solver, MomentsSolver):
    """Centred moments of all strings of at most some weight and range (docs/moments.md).

    Examples
    --------
    >>> import opentdvp as od
    >>> od.Moments.preset("quick", weight=4).weight
    4
    """

    method: Literal["moments"] = "moments"


class Mps(_Solver, TensorNetworkSolver):
    """Matrix product state of a closed chain.

    Examples
    --------
    >>> import opentdvp as od
    >>> od.Mps.preset("quick").bond_dimension
    50
    """

    method: Literal["mps"] = "mps"


class Mpo(_Solver, TensorNetworkSolver):
    """Matrix product density operator of an open or closed chain.

    Examples
    --------
    >>> import opentdvp as od
    >>> od.Mpo.preset("accurate").order
    4
    """

    method: Literal["mpo"] = "mpo"


class Mcwf(_Solver, WaveFunctionSolver):
    """Monte Carlo wave functions.

    Examples
    --------
    >>> import opentdvp as od
    >>> od.Mcwf.preset("quick", trajectories=200).batches
    20
    """

    method: Literal["mcwf"] = "mcwf"


class DephasingKicks(_Solver, DephasingSolver):
    """Trajectories with random Z kicks, for dephasing of Ising models in any field.

    Examples
    --------
    >>> import opentdvp as od
    >>> od.DephasingKicks.preset("accurate").time_step
    0.02
    """

    method: Literal["dephasing_kicks"] = "dephasing_kicks"
