"""Panels × methods: how close each kind of solver comes to a panel's reference, at what cost."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from opentdvp.config import Run, Solver, Study, TdvpSolver
from opentdvp.judging.tables import cell
from opentdvp.study.archive import COPIED

#: Columns of the table, with the methods in each; of networks, their kinds.
FAMILIES = {
    "exact": ("exact", "exact_reduced"),
    "MCWF": ("mcwf", "dephasing_kicks"),
    "MPS/MPO": ("mps", "mpo"),
    "moments": ("moments",),
    "recurrent": ("recurrent", "raster"),
    "Jastrow": ("jastrow", "convolution", "hybrid"),
    "own network": ("custom",),
}


def panels(study: Study, comparisons: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """One row per panel of the study, one column per family of methods; reads no file.

    Parameters
    ----------
    comparisons
        What `overview` returned for the study.
    runs
        What `costs` returned for it.

    Returns
    -------
    pandas.DataFrame
        The panel; its reference, with the minutes it took; and for each family its best run that is
        judged by this reference: largest difference of magnetisations / of correlators at any time,
        and minutes, with a word where they were spent for the archive. Best is the run whose larger
        one of both is smallest, of those that reach the reference's last time if there are any.
        Before them the size and the last time, where they are not the reference's. The family of
        the reference has the word `reference`, one without runs nothing; the column of users' own
        networks is there if there are any.
    """
    minutes = _spent(runs)
    rows = [
        {
            "panel": label,
            "reference": f"{run.system}, {run.solver}, {minutes[run.system, run.solver]}",
            **_cells(study, run, comparisons),
        }
        for label, run in study.panels.items()
    ]
    table = pd.DataFrame(rows, columns=["panel", "reference", *FAMILIES])
    return table if table["own network"].any() else table.drop(columns="own network")


def family(solver: Solver) -> str:
    """The column of a solver."""
    method = solver.network.kind if isinstance(solver, TdvpSolver) else solver.method
    return next(name for name, methods in FAMILIES.items() if method in methods)


def _cells(study: Study, reference: Run, comparisons: pd.DataFrame) -> dict[str, str]:
    judged = [
        row
        for row in comparisons.to_dict("records")
        if study.comparisons[row["comparison"]].reference == reference
    ]
    cells = dict.fromkeys(FAMILIES, "")
    # The best one of a family comes last, and stays.
    for row in sorted(judged, key=partial(_rank, study), reverse=True):
        candidate = study.comparisons[row["comparison"]].candidate
        cells[family(study.solvers[candidate.solver])] = _cell(study, row)
    return cells | {family(study.solvers[reference.solver]): "reference"}


def _rank(study: Study, row: Mapping[Any, Any]) -> tuple[bool, float]:
    """Better runs have smaller ones; what stops early had less time to go wrong."""
    comparison = study.comparisons[row["comparison"]]
    candidate, reference = (
        study.systems[run.system].time.last for run in (comparison.candidate, comparison.reference)
    )
    # A run without correlators, or without magnetisations, has no difference of them.
    return candidate < reference, float(np.nanmax([0, row["magnetisations"], row["correlators"]]))


def _cell(study: Study, row: Mapping[Any, Any]) -> str:
    comparison = study.comparisons[row["comparison"]]
    candidate, reference = (
        study.systems[run.system] for run in (comparison.candidate, comparison.reference)
    )
    notes = []
    if candidate.lattice.extent != reference.lattice.extent:
        notes.append(f"N = {' × '.join(map(str, candidate.lattice.extent))}")
    if candidate.time.last < reference.time.last:
        notes.append(f"t ≤ {candidate.time.last:g}")
    differences = (cell(row[kind]) or "–" for kind in ("magnetisations", "correlators"))
    minutes = _minutes(row, "candidate" in row.get(COPIED, ""))
    said = f"{' / '.join(differences)}, {minutes}"
    return ": ".join([", ".join(notes), said] if notes else [said])


def _spent(runs: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Minutes by system and solver."""
    rows = runs.to_dict("records")
    return {(row["system"], row["solver"]): _minutes(row, bool(row.get(COPIED))) for row in rows}


def _minutes(row: Mapping[Any, Any], copied: bool) -> str:
    """What a run took, here or for the archive."""
    return f"{cell(row['minutes'])} min{' (archive)' if copied else ''}"
