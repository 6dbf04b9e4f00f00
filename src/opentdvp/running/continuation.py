"""Going on from the end of an earlier run of the same deck with an earlier last time."""

from pathlib import Path

import numpy as np
from pydantic import ValidationError

from opentdvp.config import Deck
from opentdvp.config.times import CLOSEST
from opentdvp.errors import ConfigError, FileError
from opentdvp.records import checkpoint, trajectory
from opentdvp.records.checkpoint import State
from opentdvp.running.keeper import checkpoint_path


def continuation(deck: Deck, earlier: Path) -> State:
    """The last state of an earlier run, which a run of this deck can go on from.

    Raises
    ------
    ConfigError
        If the decks differ in more than later output times.
    FileError
        If the trajectory cannot be read, or its checkpoint was not kept beside it.
    """
    found = trajectory.read(earlier)
    try:
        before = Deck.model_validate_json(found.deck)
    except ValidationError as error:
        raise FileError(
            f"Cannot continue {earlier}: it must have a deck of this version of opentdvp, but has "
            "not."
        ) from error
    _check_decks(before, deck)
    kept = checkpoint_path(earlier)
    if not kept.exists():
        raise FileError(
            f"Cannot continue {earlier}: {kept} must be there, the last state of the run, but is "
            "not; run it with --keep-checkpoint."
        )
    return checkpoint.load(before.run_id, kept)


def _check_decks(before: Deck, deck: Deck) -> None:
    known, wanted = (d.model_dump(mode="json") for d in (before, deck))
    known["system"].pop("time"), wanted["system"].pop("time")
    if known != wanted:
        keys = [key for key in ("system", "solver") if known.get(key) != wanted.get(key)]
        raise ConfigError(
            "Option --continue must be a run of the same deck with an earlier last time, but its "
            f"{' and '.join(keys)} differ in more."
        )
    times, later = (d.system.time.values for d in (before, deck))
    same = len(times) < len(later) and np.allclose(
        times, later[: len(times)], rtol=0, atol=CLOSEST * times[-1]
    )
    if not same:
        raise ConfigError(
            f"Option --continue must be a run whose {len(times)} output times, to {times[-1]:g}, "
            f"are the first of those that are wanted, {len(later)} to {later[-1]:g}, but are not."
        )
