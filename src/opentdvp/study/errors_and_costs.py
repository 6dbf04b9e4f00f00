"""Error against cost of all runs that the reference of a panel judges."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from opentdvp import judging
from opentdvp.config import CostsFigure, Run, Study
from opentdvp.records.timing import read_timing, timing_path
from opentdvp.records.trajectory import Trajectory
from opentdvp.study.methods import family

COSTS: dict[str, type] = {
    "panel": str,
    "comparison": str,
    "system": str,
    "solver": str,
    "family": str,
    "same": bool,
    "minutes": float,
    "error": float,
}

#: Smaller differences are rounding: two runs of the same deck under two names.
ROUNDING = 1e-12

#: In place of a comparison, of the reference itself.
REFERENCE = "reference"


def errors_and_costs(
    figure: CostsFigure, study: Study, runs: Mapping[Run, Trajectory]
) -> pd.DataFrame:
    """One row per panel and run: first the reference, then all that are compared with it.

    Returns
    -------
    pandas.DataFrame
        Columns of `COSTS`. `error` is the largest difference from the reference of any observable
        at any time, NaN if there is none but rounding; of the reference, its own largest error, NaN
        if it has none. `same` says
        whether size and last time are those of the reference. `minutes` are those of computing, of
        all batches together, NaN if they are not known, or too few to be measured.

    Raises
    ------
    FileError
        If a timing is damaged.
    """
    rows = [_of_reference(study, label, run, runs[run]) for label, run in figure.panels.items()]
    rows += [
        _of_candidate(study, label, name, runs) for label, name in figure.judged(study.comparisons)
    ]
    order = {label: number for number, label in enumerate(figure.panels)}
    table = pd.DataFrame(rows, columns=list(COSTS))
    return table.sort_values("panel", key=lambda c: c.map(order), kind="stable", ignore_index=True)


def _of_reference(study: Study, panel: str, run: Run, found: Trajectory) -> dict[str, object]:
    largest = max(float(error.max()) for _, error in found.curves().values())
    named = _named(study, panel, REFERENCE, run)
    return named | {"same": True, "error": largest or np.nan}


def _of_candidate(
    study: Study, panel: str, name: str, runs: Mapping[Run, Trajectory]
) -> dict[str, object]:
    comparison = study.comparisons[name]
    pair = (comparison.candidate, comparison.reference)
    points = judging.compare(runs[pair[0]], runs[pair[1]], comparison.tolerance)
    candidate, reference = (study.systems[run.system] for run in pair)
    same = candidate.lattice == reference.lattice and candidate.time.last == reference.time.last
    error = float(points["difference"].abs().max())
    found = error if error > ROUNDING else np.nan
    return _named(study, panel, name, pair[0]) | {"same": same, "error": found}


def _named(study: Study, panel: str, comparison: str, run: Run) -> dict[str, object]:
    return {
        "panel": panel,
        "comparison": comparison,
        "system": run.system,
        "solver": run.solver,
        "family": family(study.solvers[run.solver]),
        "minutes": _minutes(study, run),
    }


def _minutes(study: Study, run: Run) -> float:
    path = study.output.trajectory(run)
    if not timing_path(path).exists():
        return np.nan
    return float(read_timing(path)["wall_seconds"]) / 60 or np.nan
