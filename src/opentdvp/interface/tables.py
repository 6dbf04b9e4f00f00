"""Observables as tables of other libraries: xarray, pandas."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from opentdvp.records.dimensions import STDERR, TIME, named_axes
from opentdvp.records.trajectory import Trajectory

if TYPE_CHECKING:
    import xarray


def as_dataset(run: Trajectory) -> "xarray.Dataset":
    """All observables X with their standard errors X_stderr, and labels of all axes."""
    import xarray

    named = named_axes({name: found.axes for name, found in run.observables.items()})
    values = {
        full: ((TIME, *axes), numbers)
        for name, axes in named.items()
        for full, numbers in (
            (name, run.observables[name].mean),
            (name + STDERR, run.observables[name].stderr),
        )
    }
    labels = {name: list(entries) for axes in named.values() for name, entries in axes.items()}
    return xarray.Dataset(values, {TIME: run.times, **labels})


def as_frame(run: Trajectory) -> pd.DataFrame:
    """A row for every curve and time, with `mean` and `stderr`."""
    keys = ["observable", "distance", TIME]
    parts = [
        pd.DataFrame(
            {"mean": mean, "stderr": stderr},
            index=pd.MultiIndex.from_arrays(
                [np.repeat(name, run.times.size), np.repeat(distance, run.times.size), run.times],
                names=keys,
            ),
        )
        for (name, distance), (mean, stderr) in run.curves().items()
    ]
    return pd.concat(parts).sort_index()
