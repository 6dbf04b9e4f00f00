"""What results say of themselves: what, how well, how long."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from opentdvp.config.base import one_of
from opentdvp.config.observables import CurveKey
from opentdvp.errors import ConfigError
from opentdvp.figures import names
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Trajectory


def curve_name(key: CurveKey) -> str:
    """X, or C_XX(2) at a distance."""
    name, distance = key
    return f"{name}({distance})" if distance else name


def curve_key(name: str, known: Iterable[CurveKey]) -> CurveKey:
    """The curve of a name such as X or C_XX(2).

    Raises
    ------
    ConfigError
        If it is none of those that are known.
    """
    named = {curve_name(key): key for key in known}
    if name not in named:
        raise ConfigError(f"`observables` {one_of(name, named)}.")
    return named[name]


def what(run: Trajectory) -> str:
    """Method and system, as in legends."""
    system = names.system(run).replace(r" \times ", "×").replace("$", "")
    return f"{names.method(run)} of {system}"


def times(run: Trajectory) -> str:
    """How many, from when to when."""
    return f"{run.times.size} times from {run.times[0]:g} to {run.times[-1]:g}"


def observed(run: Trajectory) -> str:
    """Names of the observables, with the lengths of their axes."""
    shapes = {name: values.mean.shape[1:] for name, values in run.observables.items()}
    return ", ".join(
        f"{name} ({' × '.join(map(str, shape))})" if shape else name
        for name, shape in shapes.items()
    )


def how_well(run: Trajectory) -> str:
    """How the run ended, its largest standard error, and what a network could not follow."""
    said = ["succeeded" if run.result is ResultCode.SUCCESS else f"failed: {run.remedy}"]
    errors = [observable.stderr for observable in run.observables.values()]
    largest = max((float(np.max(error)) for error in errors if error.size), default=0.0)
    said.append(f"standard errors up to {largest:.2g}" if largest else "no standard errors")
    residual = run.diagnostics.get("residual_held_out", run.diagnostics.get("residual"))
    if residual is not None and np.size(residual):
        median, largest = np.median(residual), np.max(residual)
        said.append(f"residual {median:.2g} (median), {largest:.2g} (largest)")
    return "; ".join(said)


def how_long(timing: Mapping[str, Any]) -> str:
    """Wall time, and the machine."""
    if "wall_seconds" not in timing:
        return "not known"
    seconds = timing["wall_seconds"]
    time = f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
    resumed = ", in several parts" if timing.get("resumed") else ""
    machine = f", on {timing['machine']}" if timing.get("machine") else ""
    return time + resumed + machine
