"""All comparisons of a study in one table: settings, cost, and how close."""

from collections.abc import Collection, Iterable

import pandas as pd

from opentdvp.config import Comparison, Run, Study, TdvpSolver
from opentdvp.config.solver import Cutoffs, DirectSampling
from opentdvp.judging.comparable import read_run
from opentdvp.records.timing import read_timing
from opentdvp.records.trajectory import Trajectory
from opentdvp.study.archive import marked, restored
from opentdvp.study.misses import judged


def finished(study: Study) -> Study:
    """The study without the comparisons and figures whose runs or tables do not exist yet.

    Panels stay as long as one comparison with their reference does.
    """
    output = study.output

    def exist(runs: Iterable[Run], compared: Iterable[str]) -> bool:
        tables = (table(name) for name in compared for table in (output.points, output.summary))
        return all(path.exists() for path in (*map(output.trajectory, runs), *tables))

    comparisons = {
        name: entry
        for name, entry in study.comparisons.items()
        if exist((entry.candidate, entry.reference), (name,))
    }
    figures = {
        name: entry
        for name, entry in study.figures.items()
        if exist(study.drawn(entry), entry.compared())
    }
    judges = {entry.reference for entry in comparisons.values()}
    panels = {label: run for label, run in study.panels.items() if run in judges}
    kept = {"comparisons": comparisons, "figures": figures, "panels": panels}
    return study.model_copy(update=kept)


def overview(study: Study) -> pd.DataFrame:
    """One row per comparison, from the files of the study.

    Returns
    -------
    pandas.DataFrame
        Whether all curves passed; the largest differences from the reference at any time, and the
        largest standard error, of magnetisations and of correlators; the share of all values that
        are more than four standard errors off; `minutes` and `memory_MiB` of the candidate; if
        there are copies, which of both runs are `from the archive`; what was run; and medians over
        the steps of the residual on the samples of the solve and on others, of the standard
        deviation of E, and of the number of effective parameters. What tells of the result comes
        first: the page may be wider than its window.

    Raises
    ------
    FileError
        If a file of the study is missing, or a run is not that of the study's deck.
    """
    rows = [_row(study, name, entry) for name, entry in study.comparisons.items()]
    copies = restored(study)
    copied = [_roles(entry, copies) for entry in study.comparisons.values()]
    return marked(pd.DataFrame(rows), copied)


def _roles(comparison: Comparison, copies: Collection[Run]) -> str:
    """Which of the two runs are copies."""
    roles = ("candidate", "reference")
    return ", ".join(role for role in roles if getattr(comparison, role) in copies)


def _row(study: Study, name: str, comparison: Comparison) -> dict[str, object]:
    path = study.output.trajectory(comparison.candidate)
    timing, run = read_timing(path), read_run(study, comparison.candidate, path)
    verdicts = judged(study, name)
    row: dict[str, object] = {"comparison": name, "passed": bool(verdicts["passed"].all())}
    for kind, chosen in (
        ("magnetisations", verdicts[verdicts["distance"] == 0]),
        ("correlators", verdicts[verdicts["distance"] > 0]),
    ):
        row[kind] = chosen["max_difference"].max()
        row[f"error of {kind}"] = chosen["largest_error"].max()
    row["beyond 4 errors"] = verdicts["beyond_4_errors"].mean()
    row |= {"minutes": timing["wall_seconds"] / 60, "memory_MiB": timing["peak_memory_MiB"]}
    return row | _settings(study, comparison) | _cost(run) | _medians(run)


def _settings(study: Study, comparison: Comparison) -> dict[str, object]:
    """What tells the runs of a study apart."""
    solver = study.solvers[comparison.candidate.solver]
    if not isinstance(solver, TdvpSolver):
        return {"solver": solver.method}
    network = solver.network.model_dump()
    sampling, regularization = solver.sampling, solver.regularization
    return {
        "solver": comparison.candidate.solver,
        "network": " ".join(str(network[k]) for k in ("kind", "cell", "width") if k in network),
        "orbit": "none" if solver.orbit is None else solver.orbit,
        "samples": sampling.solve if isinstance(sampling, DirectSampling) else sampling.kind,
        "solve": regularization.method,
        "cutoff": regularization.eigenvalue_cutoff
        if isinstance(regularization, Cutoffs)
        else regularization.shift,
        "seed": solver.seed,
    }


def _cost(run: Trajectory) -> dict[str, object]:
    if "evaluations" not in run.diagnostics:
        return {}
    evaluations = run.diagnostics["evaluations"]
    return {"steps": len(evaluations), "right-hand sides": int(evaluations.sum())}


def _medians(run: Trajectory) -> dict[str, object]:
    names = {
        "residual": "residual",
        "residual_held_out": "held out",
        "estimate_deviation": "deviation of E",
        "effective_parameters": "effective parameters",
    }
    return {
        title: float(pd.Series(run.diagnostics[name]).median())
        for name, title in names.items()
        if name in run.diagnostics
    }
