"""Output times: two forms, what they give, what is refused, and the identity of old decks."""

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from solvers import exact
from systems import free_spins

from opentdvp.config import Deck
from opentdvp.config.times import TimeGrid

FORM: TypeAdapter[Any] = TypeAdapter(TimeGrid)


@pytest.mark.parametrize(
    ("given", "times"),
    [
        ({"stop": 1.0, "points": 5}, [0, 0.25, 0.5, 0.75, 1]),
        ({"start": 1, "stop": 3, "points": 5}, [1, 1.5, 2, 2.5, 3]),
        ({"times": [0.5, 1, 2, 5]}, [0.5, 1, 2, 5]),
        ({"times": [0, 3]}, [0, 3]),
        ({"times": [3]}, [3]),
    ],
)
def test_both_forms_give_times(given: dict[str, Any], times: list[float]) -> None:
    grid = FORM.validate_python(given)
    np.testing.assert_array_equal(grid.values, times)
    assert (grid.first, grid.last) == (times[0], times[-1])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "stop"),
        ({"times": [1.0], "stop": 2.0, "points": 3}, r"\(known are times\)"),
        ({"times": []}, "at least 1 item"),
        ({"times": [0.0]}, "`times` must have one of at least 1e-30, but has none"),
        ({"times": [1e-40]}, "`times` must have one of at least 1e-30, but has none"),
        ({"times": [-1.0, 1.0]}, "greater than or equal to 0"),
        ({"times": [1.0, float("inf")]}, "finite"),
        ({"times": [1.0, 1.0, 2.0]}, "`times` must make times ascend.* but 1 follows 1"),
        ({"times": [2.0, 1.0]}, "`times` must make times ascend.* but 1 follows 2"),
        ({"times": [1e-10, 1.0]}, "`times` must make times ascend.* but 1e-10 follows 0"),
        ({"start": 2.0, "stop": 2.0, "points": 3}, "`start` must be less than stop 2, but is 2"),
        ({"start": 1.0, "stop": 1 + 1e-12, "points": 3}, "`start` must make times ascend"),
    ],
)
def test_what_is_no_time_grid_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FORM.validate_python(given)


def test_decks_from_before_there_was_a_choice_keep_their_run_id() -> None:
    """Written out by the version before."""
    deck = Deck(system=free_spins(), solver=exact())
    assert '"time":{"points":21,"stop":2.0}' in deck.canonical()
    assert deck.run_id == "e0b1363b6558a0a318ba1a71960ed98d3e3bc9c9ac047589d01166906065ddf2"
    same = free_spins(time={"start": 0, "stop": 2.0, "points": 21})
    assert Deck(system=same, solver=exact()) == deck
    assert Deck(system=same, solver=exact()).run_id == deck.run_id


@pytest.mark.parametrize("time", [{"times": [0.5, 2]}, {"start": 1, "stop": 2, "points": 4}])
def test_a_deck_that_is_read_again_is_the_same(time: dict[str, Any]) -> None:
    deck = Deck(system=free_spins(time=time), solver=exact())
    assert Deck.model_validate_json(deck.canonical()) == deck
    assert deck.run_id != Deck(system=free_spins(), solver=exact()).run_id
