"""A result: observables against time, what made them, how well, and how long it took."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from opentdvp.config import Deck, Solver, System
from opentdvp.errors import ConfigError
from opentdvp.interface import words
from opentdvp.interface.tables import as_dataset, as_frame
from opentdvp.records import timing, trajectory
from opentdvp.records.files import followed
from opentdvp.records.permissions import reserved
from opentdvp.records.trajectory import Curve, Trajectory

if TYPE_CHECKING:
    import xarray

#: A path, as text or not.
AnyPath = str | PathLike[str]


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What `solve` and `read` return; it says itself what it is.

    Attributes
    ----------
    trajectory
        Times, observables, diagnostics and, of a network, its parameters over time.
    timing
        Wall time in seconds and the like; empty where it is not known.
    path
        Its file, if it has one.

    Examples
    --------
    >>> import opentdvp as od
    >>> jumps = [od.Jump("sigma_minus", 1.0)]
    >>> decay = od.System.chain(1, periodic=False, jumps=jumps, start={"Z": 1}, stop=1)
    >>> result = od.solve(decay, od.Exact(), progress=False)
    >>> mean, stderr = result["Z"]
    >>> float(mean[-1].round(6))  # 2/e - 1
    -0.264241
    >>> float(result.to_xarray()["Z"].sel(time=1).round(6))
    -0.264241
    >>> result.to_pandas().index.names
    FrozenList(['observable', 'distance', 'time'])
    """

    trajectory: Trajectory
    timing: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = None

    def __getitem__(self, name: str) -> Curve:
        """Mean and standard error of an observable at all times: of X, or of C_XX(2)."""
        key = words.curve_key(name, self.curves)
        return self.curves[key]

    @property
    def curves(self) -> dict[tuple[str, int], Curve]:
        """Mean and standard error by observable and distance, which is 0 for magnetisations."""
        return self.trajectory.curves()

    @property
    def times(self) -> np.ndarray:
        """The times of the observables, shape (T,)."""
        return self.trajectory.times

    @property
    def system(self) -> System:
        """What was solved."""
        return self._deck.system

    @property
    def solver(self) -> Solver:
        """How it was solved."""
        return self._deck.solver

    @property
    def run_id(self) -> str:
        """SHA-256 of system and solver: equal for equal runs, wherever they were started."""
        return self.trajectory.run_id

    @property
    def wall_seconds(self) -> float | None:
        """How long the run took, all its parts together; None where that is not known."""
        return self.timing.get("wall_seconds")

    def to_xarray(self) -> "xarray.Dataset":
        """All observables X with their standard errors X_stderr, by time, site, distance and so on.

        The same as `xarray.open_dataset(path, group="observables")` of its file.
        """
        return as_dataset(self.trajectory)

    def to_pandas(self) -> pd.DataFrame:
        """A row for every observable, distance and time: `mean` and `stderr`."""
        return as_frame(self.trajectory)

    def save(self, path: AnyPath) -> "Result":
        """Write a file that equals the one of the pipeline; what is there must be such a file.

        Raises
        ------
        FileError
            If it cannot be written.
        """
        out = followed(Path(path))
        with reserved([trajectory.output(out), timing.output(out)]):
            trajectory.write(self.trajectory, out)
            if self.timing:
                timing.write_record(out, self.timing)
        return Result(self.trajectory, self.timing, out)

    @property
    def _deck(self) -> Deck:
        return Deck.model_validate_json(self.trajectory.deck)

    def _facts(self) -> dict[str, str]:
        return {
            "what": words.what(self.trajectory),
            "when": words.times(self.trajectory),
            "observables": words.observed(self.trajectory),
            "how well": words.how_well(self.trajectory),
            "how long": words.how_long(self.timing),
            "run id": self.run_id[:12] + (f", in {self.path}" if self.path else ""),
        }

    def __repr__(self) -> str:
        facts = self._facts()
        width = max(map(len, facts))
        lines = [f"  {name:<{width}}  {value}" for name, value in facts.items()]
        return "\n".join(["opentdvp.Result", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{name}</th>"
            f"<td style='text-align:left'>{escape(value)}</td></tr>"
            for name, value in self._facts().items()
        )
        return f"<table>{rows}</table>"


def read(path: AnyPath) -> Result:
    """Read the file of a run: of `solve`, of the pipeline or of the archive.

    Raises
    ------
    FileError
        If the file is missing, damaged or of another kind.

    Examples
    --------
    >>> import opentdvp as od, tempfile, pathlib
    >>> jumps = [od.Jump("sigma_minus", 1.0)]
    >>> decay = od.System.chain(1, periodic=False, jumps=jumps, start={"Z": 1}, stop=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "decay.h5")
    ...     solved = od.solve(decay, od.Exact(), out=file, progress=False)
    ...     od.read(file).run_id == solved.run_id
    True
    """
    place = Path(path)
    loaded = trajectory.read(place)
    known = timing.timing_path(place).exists()
    return Result(loaded, timing.read_timing(place) if known else {}, place)


def as_result(value: "Result | Trajectory | AnyPath", role: str) -> Result:
    """A result, whether it is given as such or as its file; `role` names it in the error."""
    if isinstance(value, Result):
        return value
    if isinstance(value, Trajectory):
        return Result(value)
    if isinstance(value, str | PathLike):
        return read(value)
    raise ConfigError(
        f"Argument `{role}` must be a result or the path of its file, but is a "
        f"{type(value).__name__}."
    )
