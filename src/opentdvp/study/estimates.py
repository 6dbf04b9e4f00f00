"""What the runs of a study are expected to take, as a table."""

from collections.abc import Mapping

import pandas as pd

from opentdvp.config import Run, Study
from opentdvp.judging.tables import cell
from opentdvp.records.estimates import Estimate, read_estimates
from opentdvp.records.timing import processors
from opentdvp.study import archive


def computed(study: Study) -> list[Run]:
    """The runs of a study that are neither copied from its archive nor measured from others."""
    copied = archive.find(study)
    return [run for run in study.used() if run not in copied and study.evolution(run) is None]


def known(study: Study) -> dict[Run, Estimate]:
    """Those of these runs that have been estimated on this machine."""
    kept, here = read_estimates(study.output.estimates), processors()
    found = {run: kept.get(study.deck(run).run_id) for run in computed(study)}
    return {run: e for run, e in found.items() if e is not None and e.machine == here}


def table(estimates: Mapping[Run, Estimate]) -> pd.DataFrame:
    """One row per run: `steps`, `minutes`, and `memory_MiB`."""
    rows = [
        {
            "system": run.system,
            "solver": run.solver,
            "steps": "" if e.steps is None else str(e.steps),
            "minutes": e.seconds / 60,
            "memory_MiB": e.memory,
        }
        for run, e in estimates.items()
    ]
    return pd.DataFrame(rows)


def told(estimates: Mapping[Run, Estimate], runs: int) -> str:
    """All of them together, in one sentence; `runs` are to be computed."""
    minutes = sum(e.seconds for e in estimates.values()) / 60
    longest = max(estimates, key=lambda run: estimates[run].seconds)
    return (
        f"{len(estimates)} of {runs} runs are estimated on this machine: {cell(minutes)} minutes "
        f"one after another, {cell(estimates[longest].seconds / 60)} of them {longest.system} by "
        f"{longest.solver}."
    )
