"""Dynamics of open quantum spin systems with neural networks.

The time-dependent variational principle in POVM form of M. Reh, M. Schmitt and M. Gärttner,
Phys. Rev. Lett. 127, 230501 (2021), arXiv:2104.00013, called "the paper" in this package.

From Python, `import opentdvp as od`: `od.System.chain(...)`, `od.Tdvp.preset("quick")`,
`od.solve(system, solver)`, `od.plot(result)` and so on; docs/python.md. Importing the package
imports no solver; JAX is imported when a network is used, and from then on has its 64-bit flag set.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentdvp.engine.ansatz import Autoregressive, EnergyNetwork
    from opentdvp.interface import (
        Comparison,
        DephasingKicks,
        Exact,
        ExactReduced,
        Jump,
        Mcwf,
        Moments,
        Mpo,
        Mps,
        Result,
        Study,
        System,
        Tdvp,
        compare,
        load,
        measure,
        plot,
        read,
        solve,
    )

__all__ = [
    "Autoregressive",
    "Comparison",
    "DephasingKicks",
    "EnergyNetwork",
    "Exact",
    "ExactReduced",
    "Jump",
    "Mcwf",
    "Moments",
    "Mpo",
    "Mps",
    "Result",
    "Study",
    "System",
    "Tdvp",
    "compare",
    "load",
    "measure",
    "plot",
    "read",
    "solve",
]

#: What needs JAX as soon as it is named: base classes of own networks.
_NETWORKS = ("Autoregressive", "EnergyNetwork")


def __getattr__(name: str) -> Any:
    """Import what is used, when it is used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    place = "opentdvp.engine.ansatz" if name in _NETWORKS else "opentdvp.interface"
    return getattr(importlib.import_module(place), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
