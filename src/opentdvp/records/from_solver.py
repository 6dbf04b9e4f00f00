"""From what a solver recorded to the trajectory that all solvers share."""

import numpy as np

from opentdvp.config import Deck
from opentdvp.records.checkpoint import Records, columns
from opentdvp.records.provenance import provenance
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import STEP, Observable, Trajectory

#: Beginning of the names of what evolved, among the records at output times.
STATE = "state/"

#: Names of the parameters θ of a network where every step began, and of θ̇ at both of its ends.
STEP_THETA, STEP_SLOPES = f"{STEP}theta", f"{STEP}slopes"

#: Name of the times since when parameters of an ansatz that grows are there, NaN for the others.
ADDED_AT = "added_at"

# Intervals that differ by less, in units of the last time, are equal.
_EQUAL = 1e-12


def output_times(deck: Deck) -> np.ndarray:
    """The times at which a deck wants observables."""
    return deck.system.time.values


def output_intervals(times: np.ndarray, start: float = 0.0) -> np.ndarray:
    """The time from each output time, at first from `start`, to the next; shape of `times`.

    Those that are equal but for rounding are all as the first of them, so that equal steps fit in.
    """
    intervals = np.diff(times, prepend=start)
    order = np.argsort(intervals, kind="stable")
    apart = np.diff(intervals[order], prepend=-np.inf) > _EQUAL * times[-1]
    kinds = np.empty_like(order)
    kinds[order] = np.cumsum(apart) - 1
    _, firsts = np.unique(kinds, return_index=True)
    return intervals[firsts][kinds]


def make_trajectory(
    deck: Deck, outputs: Records, diagnostics: Records, device: str, result: ResultCode
) -> Trajectory:
    """Everything recorded, up to the last output time that was reached.

    Parameters
    ----------
    outputs
        Observables at every output time reached: `X`, and `X.stderr` where it is not zero; what
        evolved there has a name that begins with `STATE`.
    diagnostics
        One record per step, or whatever else the solver counts; what evolved likewise.
    """
    table, by_step = columns(outputs), columns(diagnostics)
    observed = deck.system.observables
    distances, labels = observed.correlators, observed.labels(deck.system.lattice.geometry)
    return Trajectory(
        times=output_times(deck)[: len(outputs)],
        observables={
            name: Observable(
                mean,
                table.get(f"{name}.stderr", np.zeros_like(mean)),
                distances.get(name.removeprefix("C_"), ()),
                labels.get(name, {}),
            )
            for name, mean in table.items()
            if not name.endswith(".stderr") and not name.startswith(STATE)
        },
        states={
            k.removeprefix(STATE): v for k, v in (table | by_step).items() if k.startswith(STATE)
        },
        diagnostics={k: v for k, v in by_step.items() if not k.startswith(STATE)},
        deck=deck.canonical(),
        provenance=provenance(device),
        result=result,
    )
