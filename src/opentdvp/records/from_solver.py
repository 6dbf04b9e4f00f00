"""From what a solver recorded to the trajectory that all solvers share."""

import numpy as np

from opentdvp.config import Deck
from opentdvp.records.checkpoint import Records, columns
from opentdvp.records.provenance import provenance
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Observable, Trajectory

#: Beginning of the names of what evolved, among the records at output times.
STATE = "state/"

#: Name of the times since when parameters of an ansatz that grows are there, NaN for the others.
ADDED_AT = "added_at"


def output_times(deck: Deck) -> np.ndarray:
    """The times at which a deck wants observables."""
    return np.linspace(0, deck.system.time.stop, deck.system.time.points)


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
        One record per step, or whatever else the solver counts.
    """
    table = columns(outputs)
    distances = deck.system.observables.correlators
    return Trajectory(
        times=output_times(deck)[: len(outputs)],
        observables={
            name: Observable(
                mean,
                table.get(f"{name}.stderr", np.zeros_like(mean)),
                distances.get(name.removeprefix("C_"), ()),
            )
            for name, mean in table.items()
            if not name.endswith(".stderr") and not name.startswith(STATE)
        },
        states={k.removeprefix(STATE): v for k, v in table.items() if k.startswith(STATE)},
        diagnostics=columns(diagnostics),
        deck=deck.canonical(),
        provenance=provenance(device),
        result=result,
    )
