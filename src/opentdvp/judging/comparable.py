"""What must hold before two runs may be compared; each refusal is one line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from opentdvp.config import Deck, Run, Study, System
from opentdvp.errors import ConfigError, FileError, NumericalFailure
from opentdvp.judging.curves import describe
from opentdvp.records import trajectory
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Trajectory


def check_comparable(candidate: Trajectory, reference: Trajectory) -> None:
    """Refuse runs that failed, hold values that are not finite, or do not belong together.

    Raises
    ------
    NumericalFailure
        If one of the runs did not succeed.
    ConfigError
        If physics, times or observables do not allow the comparison.
    FileError
        If a deck cannot be read, or a value is not finite.
    """
    roles = {"candidate": candidate, "reference": reference}
    for role, run in roles.items():
        _check_result(role, run)
    systems = [read_deck(role, run).system for role, run in roles.items()]
    _check_physics(*systems)
    _check_times(candidate, reference)
    _check_observables(candidate, reference)
    for role, run in roles.items():
        _check_finite(f"`{role}.observables`", run)


def read_deck(role: str, run: Trajectory) -> Deck:
    """The deck of a run; `role` names the run in the error."""
    try:
        return Deck.model_validate_json(run.deck)
    except ValidationError as error:
        raise FileError(
            f"`{role}.deck` must be a deck of this version of opentdvp, but is not."
        ) from error


def read_run(study: Study, run: Run, path: Path) -> Trajectory:
    """Read a trajectory and refuse it unless it is all of the deck that the configuration has now.

    Raises
    ------
    FileError
        If the file cannot be read, is of another deck, lacks times or observables of it, or holds
        a value that is not finite.
    NumericalFailure
        If the run did not succeed.
    """
    loaded = trajectory.read(path)
    expected = study.deck(run).run_id
    if loaded.run_id != expected:
        raise FileError(
            f"Cannot use {path}: its run id must be {expected[:12]} ({run.system} by "
            f"{run.solver}), but is {loaded.run_id[:12]}; run it again."
        )
    _check_whole(f"Cannot use {path}:", study, run, loaded)
    return loaded


def _check_whole(place: str, study: Study, run: Run, loaded: Trajectory) -> None:
    if loaded.result is not ResultCode.SUCCESS:
        raise NumericalFailure(
            f"{place} its result must be success, but is {loaded.result}: {loaded.result.remedy}"
        )
    times, wanted = loaded.times, study.systems[run.system].time.values
    if times.shape != wanted.shape or not np.allclose(times, wanted, 1e-9):
        raise FileError(
            f"{place} its times must be {wanted.size} from {wanted[0]:g} to {wanted[-1]:g}, but "
            f"are {times.size} from {times.min(initial=np.inf):g} to "
            f"{times.max(initial=-np.inf):g}; run it again."
        )
    missing = study.curves(run) - loaded.curves().keys()
    if missing:
        names = ", ".join(map(describe, sorted(missing)))
        raise FileError(f"{place} it must have every observable, but lacks {names}.")
    _check_finite(f"{place} its observables", loaded)


def _check_result(role: str, run: Trajectory) -> None:
    if run.result is not ResultCode.SUCCESS:
        raise NumericalFailure(
            f"`{role}.result` must be success, but is {run.result}: {run.remedy}"
        )


def _check_physics(candidate: System, reference: System) -> None:
    theirs = _physics(reference)
    for key, value in _physics(candidate).items():
        if value != theirs[key]:
            raise ConfigError(
                f"`reference.system.{key}` must be {json.dumps(value)} as in the candidate, "
                f"but is {json.dumps(theirs[key])}."
            )


def _physics(system: System) -> dict[str, Any]:
    """What must agree: all but the lattice's size, since the paper compares N = 40 with N = 10."""
    tree = system.model_dump(mode="json")
    return {
        **{f"lattice.{k}": v for k, v in sorted(tree["lattice"].items()) if k != "size"},
        # A zero changes nothing, so it may also be left out.
        "couplings": {pair: strength for pair, strength in tree["couplings"].items() if strength},
        "fields": {axis: strength for axis, strength in tree["fields"].items() if strength},
        "terms": [term for term in tree["terms"] if term["strength"]],
        "jumps": [jump for jump in tree["jumps"] if jump.get("rate", True)],
        "start": tree["start"],
    }


def _check_times(candidate: Trajectory, reference: Trajectory) -> None:
    if candidate.times[0] < reference.times[0]:
        raise ConfigError(
            f"`reference.times` must begin at the candidate's first time {candidate.times[0]:g} or "
            f"before, but begins at {reference.times[0]:g}."
        )
    if candidate.times[-1] > reference.times[-1]:
        raise ConfigError(
            f"`reference.times` must reach the candidate's last time {candidate.times[-1]:g}, "
            f"but ends at {reference.times[-1]:g}."
        )


def _check_observables(candidate: Trajectory, reference: Trajectory) -> None:
    known = reference.curves()
    if not candidate.curves():
        raise ConfigError("`candidate.observables` must not be empty, but are: nothing to compare.")
    missing = [describe(key) for key in candidate.curves() if key not in known]
    if missing:
        raise ConfigError(
            "`reference.observables` must have every observable of the candidate, "
            f"but lacks {', '.join(missing)}."
        )


def _check_finite(name: str, run: Trajectory) -> None:
    for key, (mean, error) in run.curves().items():
        bad = ~(np.isfinite(mean) & np.isfinite(error))
        if bad.any():
            at = int(bad.argmax())
            raise FileError(
                f"{name} must be finite, but {describe(key)} at time "
                f"{run.times[at]:g} is {mean[at]:g} ± {error[at]:g}."
            )
