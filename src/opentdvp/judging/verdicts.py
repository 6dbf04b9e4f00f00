"""One verdict per curve: how far a run is from its reference, and which runs these are."""

import numpy as np
import pandas as pd

from opentdvp.config import Deck, Lattice, TdvpSolver
from opentdvp.config.comparison import Tolerance
from opentdvp.config.solver import DirectSampling
from opentdvp.judging.comparable import read_deck
from opentdvp.judging.curves import allowed
from opentdvp.records.provenance import joined, separate
from opentdvp.records.trajectory import Trajectory

#: Differences of more standard errors are not by chance.
FAR = 4

#: Digits of run ids and revisions in tables; enough to tell any two apart.
HEX_DIGITS = 12


def summarize(
    points: pd.DataFrame, tolerance: Tolerance, candidate: Trajectory, reference: Trajectory
) -> pd.DataFrame:
    """Largest and root-mean-square differences per observable and distance, and the verdict.

    The reference has a statistical error of its own, σ_r(t), which is subtracted in quadrature.
    A curve passes if

        excess = max over t of √max((c(t) − r(t))² − σ_r(t)², 0) ≤ tolerance.

    Parameters
    ----------
    points
        What `compare` returned for these two runs.
    tolerance
        Largest differences allowed.
    candidate, reference
        The runs, named in every row.

    Returns
    -------
    pandas.DataFrame
        Columns `observable`, `distance`, `max_difference`, `time_of_max`, `rms_difference`,
        `max_in_errors`, `rms_in_errors`, `beyond_4_errors` (at which share of the times with a
        combined error the difference exceeds four of them; these three are NaN where neither run
        has an error), `largest_error`, `excess`, `tolerance`,
        `passed`, and those of the runs: `size`, `method`, `run` and `revision` of both,
        `mixed_revisions`, `solve_samples` and `observable_samples` of the candidate.
    """
    groups = points.groupby(["observable", "distance"], sort=False)
    verdicts = pd.DataFrame([_verdict(rows, tolerance) for _, rows in groups])
    return verdicts.assign(**_runs(candidate, reference))


def _verdict(rows: pd.DataFrame, tolerance: Tolerance) -> dict[str, str | float | bool]:
    distance = int(rows["distance"].iloc[0])
    size = rows["difference"].abs()
    # pandas leaves out what is undefined, where neither run has an error.
    in_errors = rows["in_errors"].abs()
    # By NumPy, which leaves no NaN out: a curve with one must not pass.
    squares = size.to_numpy() ** 2 - rows["reference_error"].to_numpy() ** 2
    excess = np.sqrt(squares.clip(min=0)).max()
    observable = str(rows["observable"].iloc[0])
    limit = allowed(tolerance, observable)
    return {
        "observable": observable,
        "distance": distance,
        "max_difference": size.max(),
        "time_of_max": rows["time"].iloc[int(size.argmax())],
        "rms_difference": np.sqrt((size**2).mean()),
        "max_in_errors": in_errors.max(),
        "rms_in_errors": np.sqrt((in_errors**2).mean()),
        "beyond_4_errors": (in_errors.dropna() > FAR).mean(),
        "largest_error": rows["combined_error"].max(),
        "excess": excess,
        "tolerance": limit,
        "passed": bool(excess <= limit),
    }


def _runs(candidate: Trajectory, reference: Trajectory) -> dict[str, str | bool]:
    """Columns that are the same in every row."""
    solve, observables = _samples(read_deck("candidate", candidate))
    mine, theirs = _run("candidate", candidate), _run("reference", reference)
    revisions = (candidate.provenance["revision"], reference.provenance["revision"])
    return {
        **mine,
        "solve_samples": solve,
        "observable_samples": observables,
        **theirs,
        "mixed_revisions": revisions[0] != revisions[1],
    }


def _run(role: str, run: Trajectory) -> dict[str, str]:
    deck = read_deck(role, run)
    return {
        f"{role}_size": _size(deck.system.lattice),
        f"{role}_method": deck.solver.method,
        f"{role}_run": run.run_id[:HEX_DIGITS],
        f"{role}_revision": _shorten(run.provenance["revision"]),
    }


def _size(lattice: Lattice) -> str:
    return "x".join(str(length) for length in lattice.extent)


def _shorten(revision: str) -> str:
    """The first digits of all revisions; the mark of a changed source stays."""
    parts = (one.partition("+") for one in separate(revision))
    return joined(commit[:HEX_DIGITS] + plus + changes for commit, plus, changes in parts)


def _samples(deck: Deck) -> tuple[str, str]:
    """Number of samples of the solve and of the observables, as text."""
    if not isinstance(deck.solver, TdvpSolver):
        return "none", "none"
    sampling = deck.solver.sampling
    if not isinstance(sampling, DirectSampling):
        return sampling.kind, sampling.kind
    return str(sampling.solve), str(sampling.observables)
