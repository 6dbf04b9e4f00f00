"""What the protocol does for every solver; those there are: `running/test_solvers.py`."""

import pytest
from solvers import exact
from systems import free_spins

from opentdvp.config import Deck
from opentdvp.protocol import Task, method
from opentdvp.records.checkpoint import State
from opentdvp.records.result_code import ResultCode


@pytest.mark.parametrize("last", [None, ResultCode.NOT_FINITE])
def test_states_that_are_followed_are_kept_and_then_reported(last):
    told = []

    @method(type(exact()), lambda system, settings: None)
    def count(task: Task) -> tuple[State, ResultCode]:
        later = [State(t, t, {}) for t in (1.0, 2.0)]
        steps = later if last is None else [*later, last, State(9.0, 9.0, {})]
        return task.follow(steps, State(0.0, 0.0, {}), lambda state: {"step": state.step_size})

    def report(time, **values):
        told.append((time, values))

    deck = Deck(system=free_spins(), solver=exact())
    state, result = count(deck, report, keep=told.append)
    assert [entry if isinstance(entry, tuple) else entry.time for entry in told] == [
        1.0,
        (1.0, {"step": 1.0}),
        2.0,
        (2.0, {"step": 2.0}),
    ]
    assert (state.time, result) == (2.0, last or ResultCode.SUCCESS)
