"""A deck: everything that defines one run, and its identity."""

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import Field

from opentdvp.config.base import StrictModel, is_missing
from opentdvp.config.solver import Solver
from opentdvp.config.system import System

#: Part of every run's identity; raised when the meaning of a key changes.
DECK_VERSION: Literal[1] = 1


class Deck(StrictModel):
    """Everything that defines one run."""

    version: Literal[1] = DECK_VERSION
    system: System
    solver: Solver
    #: Run id of the evolution whose kept states were measured, if this is no evolution of its own.
    measured_from: Annotated[str | None, Field(exclude_if=is_missing)] = None

    def canonical(self) -> str:
        """JSON with sorted keys and no white space, equal for equal decks."""
        return _canonical(self.model_dump(mode="json"))

    @property
    def run_id(self) -> str:
        """SHA-256 of the canonical deck."""
        return _digest(self.canonical())

    @property
    def batch_id(self) -> str:
        """SHA-256 of the deck without its number of `trajectories`, which changes none of them."""
        tree = self.model_dump(mode="json")
        tree["solver"].pop("trajectories", None)
        return _digest(_canonical(tree))


def _canonical(tree: dict[str, Any]) -> str:
    return json.dumps(tree, sort_keys=True, separators=(",", ":"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
