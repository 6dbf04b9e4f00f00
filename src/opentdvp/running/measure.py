"""Measuring a run that is there: other observables from the states that its file has kept."""

import logging
import time
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from opentdvp.config import Deck
from opentdvp.config.measurement import Measured
from opentdvp.errors import ConfigError, FileError
from opentdvp.protocol import Report, show_nothing
from opentdvp.records import timing, trajectory
from opentdvp.records.permissions import Output
from opentdvp.records.provenance import joined, revision, separate
from opentdvp.records.result_code import ResultCode
from opentdvp.records.timing import add_timings, read_timing, timing_path, write_timing
from opentdvp.records.trajectory import Trajectory
from opentdvp.running.solvers import measuring_of

logger = logging.getLogger(__name__)


def measure_outputs(out: Path) -> list[Output]:
    """All files that `measure_to_file` writes."""
    return [trajectory.output(out), timing.output(out)]


def measured_deck(evolution: Trajectory, wanted: Measured) -> Deck:
    """The deck of a measurement of an evolution.

    Raises
    ------
    ConfigError
        If what is wanted does not fit the evolution.
    FileError
        If its deck cannot be read, or is that of a measurement.
    """
    deck = _evolved(evolution)
    try:
        system, solver = wanted.of_system(deck.system), wanted.of_solver(deck.solver)
    except ValueError as error:
        raise ConfigError(f"{error}.") from error
    return Deck(system=system, solver=solver, measured_from=deck.run_id)


def measure(deck: Deck, evolution: Trajectory, report: Report = show_nothing) -> Trajectory:
    """The observables of a deck from the states that an evolution has kept.

    The result has the diagnostics of the evolution, and no states: those stay with the evolution.

    Raises
    ------
    ConfigError
        If the deck is not that of a measurement of this evolution, or its method keeps no states.
    FileError
        If the evolution has kept none, failed, or cannot be read.
    NumericalFailure
        If what is kept cannot be measured.
    """
    origin = _evolved(evolution)
    if deck.measured_from != origin.run_id:
        wanted = (deck.measured_from or "none")[:12]
        raise ConfigError(
            f"Argument FILE must be of the evolution that is measured, run id {wanted}, but is of "
            f"{origin.run_id[:12]}."
        )
    if evolution.result is not ResultCode.SUCCESS:
        raise FileError(
            f"Argument FILE must be of a run that succeeded, but its result is {evolution.result}: "
            f"{evolution.remedy}"
        )
    found = measuring_of(deck)(deck, evolution, report)
    revisions = [*separate(evolution.provenance["revision"]), revision()]
    provenance = found.provenance | {"revision": joined(revisions)}
    return replace(found, diagnostics=evolution.diagnostics, provenance=provenance)


def measure_to_file(
    deck: Deck, evolution: Trajectory, source: Path, out: Path, report: Report
) -> None:
    """Measure an evolution, which was read from `source`, and write the result.

    What it has cost is that of both.

    Raises
    ------
    ConfigError, FileError, NumericalFailure
        As for `measure`; or if a file cannot be written.
    """
    began = time.monotonic()
    found = measure(deck, evolution, report)
    trajectory.write(found, out)
    write_timing(out, time.monotonic() - began, resumed=False)
    if timing_path(source).exists():
        add_timings(out, [read_timing(source), read_timing(out)])
    logger.info("The result is in %s.", out)


def _evolved(evolution: Trajectory) -> Deck:
    """The deck of a run that was not measured itself."""
    try:
        deck = Deck.model_validate_json(evolution.deck)
    except ValidationError as error:
        raise FileError(
            "Argument FILE must have a deck of this version of opentdvp, but has not."
        ) from error
    if deck.measured_from is not None:
        raise FileError(
            "Argument FILE must be of an evolution, but is of a measurement; measure the file of "
            f"the run {deck.measured_from[:12]}."
        )
    return deck
