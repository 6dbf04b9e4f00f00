"""What the runs of a study are, and what they and its figures have cost."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from opentdvp.config import Run, Study
from opentdvp.judging.comparable import read_run
from opentdvp.judging.tables import cell
from opentdvp.records.provenance import is_dirty, separate
from opentdvp.records.timing import is_copy, read_timing
from opentdvp.study.archive import marked, restored


def costs(study: Study) -> pd.DataFrame:
    """One row per run, from the files of the study.

    Returns
    -------
    pandas.DataFrame
        System and its size, solver with its settings, the last time, the largest error of any
        observable at any time, `minutes` (of computing, of all batches), `memory_MiB` (the most of
        one process), the machine, and the beginnings of run id and git revision; if there are
        copies, whether the run is one `from the archive`: then costs and machine are those of the
        computation there.

    Raises
    ------
    FileError
        If a file of the study is missing, or a run is not that of the study's deck.
    """
    runs, copies = study.used(), restored(study)
    return marked(pd.DataFrame([_row(study, run) for run in runs]), [run in copies for run in runs])


def figure_costs(study: Study) -> pd.DataFrame:
    """One row per figure: its number of runs, their `minutes` together and the most `memory_MiB`.

    A run that several figures show counts in each. If there are copies, how many of the runs, and
    of the minutes, are `from the archive`.

    Raises
    ------
    FileError
        If the timing of a run is missing.
    """
    rows, copied = [], []
    for name, figure in study.figures.items():
        timings = [read_timing(study.output.trajectory(run)) for run in study.drawn(figure)]
        copies = [timing for timing in timings if is_copy(timing)]
        copied.append(f"{len(copies)}, {cell(_minutes(copies))} min" if copies else "")
        rows.append(
            {
                "figure": name,
                "runs": len(timings),
                "minutes": _minutes(timings),
                "memory_MiB": max((timing["peak_memory_MiB"] for timing in timings), default=0),
            }
        )
    return marked(pd.DataFrame(rows), copied)


def _minutes(timings: Iterable[Mapping[str, Any]]) -> float:
    return float(sum(timing["wall_seconds"] for timing in timings) / 60)


def _row(study: Study, name: Run) -> dict[str, object]:
    path = study.output.trajectory(name)
    run, timing = read_run(study, name, path), read_timing(path)
    system, solver = study.systems[name.system], study.solvers[name.solver]
    settings = solver.model_dump(mode="json", exclude={"method"})
    return {
        "system": name.system,
        "sites": " × ".join(map(str, system.lattice.extent)),
        "solver": name.solver,
        "method": solver.method,
        "settings": ", ".join(f"{key} {_flat(value)}" for key, value in settings.items()),
        "last time": float(run.times[-1]),
        "largest error": max((float(e.max()) for _, e in run.curves().values()), default=np.nan),
        "minutes": timing["wall_seconds"] / 60,
        "memory_MiB": timing["peak_memory_MiB"],
        "machine": timing["machine"],
        "run id": run.run_id[:8],
        "revision": _short(run.provenance["revision"]),
    }


def _short(revisions: str) -> str:
    """The beginnings of all revisions, with a plus where there were changes."""
    return ", ".join(f"{one[:8]}{'+' * is_dirty(one)}" for one in separate(revisions))


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {_flat(entry)}" for key, entry in value.items()) + ")"
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
