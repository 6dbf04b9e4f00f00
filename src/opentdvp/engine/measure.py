"""Observables of a TDVP run from the parameters that its trajectory has kept.

Independent samples are drawn with the keys of the run: those of a run that had asked for these
observables from the start. Chains depend on all steps of a run, which are not kept: others follow
the kept parameters from the product start state, burnt in at each of them.
"""

import logging
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from opentdvp.config import Deck, TdvpSolver
from opentdvp.engine.assembly import assemble
from opentdvp.engine.compilation_cache import keeping_compiled
from opentdvp.engine.compiled import Compiled, compiled, key_data, of_key_data, on_host
from opentdvp.engine.devices import announce_memory
from opentdvp.engine.evaluations import BURN_IN, FINER, INITIAL, OUTPUTS, random
from opentdvp.engine.functions import Measurement, Vector
from opentdvp.engine.kept_parameters import Point, points
from opentdvp.engine.observing import Measuring, compile_measuring, first_point
from opentdvp.engine.sampling.ensemble import Purpose
from opentdvp.engine.steps import observed
from opentdvp.errors import FileError, NumericalFailure
from opentdvp.protocol import Report, measuring
from opentdvp.records.from_solver import make_trajectory
from opentdvp.records.trajectory import Trajectory

#: Draws of chains at every kept time, each of the solver's `sweeps`; after the last one they must
#: have forgotten where they were, and not lag.
DRAWS = 4

logger = logging.getLogger(__name__)


class _Engine(NamedTuple):
    """What measures kept parameters; `burn_in` where the sampler remembers something."""

    key: PRNGKeyArray
    theta: Vector
    sampler_state: dict[str, np.ndarray]
    measuring: Measuring
    burn_in: Compiled | None


@measuring()
@keeping_compiled()
def measure(deck: Deck, evolution: Trajectory, report: Report) -> Trajectory:
    """The observables of a deck at times of an evolution, or between them.

    Parameters
    ----------
    deck
        That of the evolution but for observables, times and the number of samples.

    Raises
    ------
    FileError
        If the evolution has not kept θ, or that of another network, or no steps between its times.
    NumericalFailure
        If chains do not follow the kept parameters.
    """
    if "theta" not in evolution.states:
        raise FileError(
            "Argument FILE must keep the parameters `theta` of its network, but does not; run it "
            "again, or with the observables that you want."
        )
    engine = _engine(deck)
    if evolution.states["theta"].shape[1:] != engine.theta.shape:
        raise FileError(
            f"Argument FILE must keep {engine.theta.size} parameters of its network, but keeps "
            f"{evolution.states['theta'].shape[1]}; run it again."
        )
    device = f"{jax.devices()[0].device_kind} × {jax.device_count()}"
    records = tuple(_records(engine, evolution, deck.system.time.values, report))
    return make_trajectory(deck, records, (), device, evolution.result)


def _engine(deck: Deck) -> _Engine:
    assert isinstance(deck.solver, TdvpSolver)
    key = jax.random.key(deck.solver.seed)
    logger.info("compiling…")
    first = jax.random.fold_in(key, INITIAL)
    parts = assemble(deck.system, deck.solver, first)
    theta, state, data = point = first_point(parts, first)
    measuring = compile_measuring(parts, deck.system, point)
    burn_in = None
    if state:
        draw = of_key_data(partial(parts.problem.sampler.draw, Purpose.BURN_IN))
        burn_in = compiled(draw, theta, state, data)
    announce_memory(max(measuring.memory, burn_in.memory if burn_in else 0))
    return _Engine(key, theta, state, measuring, burn_in)


def _records(
    engine: _Engine, kept: Trajectory, wanted: np.ndarray, report: Report
) -> Iterator[dict[str, np.ndarray]]:
    """Observables at the wanted times, in the form that checkpoints keep."""
    state = engine.sampler_state
    for number, point in enumerate(points(kept, wanted)):
        if point.time > 0 and engine.burn_in is not None:
            state = _burnt_in(engine, point.theta, state, number)
        if point.wanted:
            yield observed(_measured(engine, point, state, number))
        report(point.time)


def _measured(
    engine: _Engine, point: Point, state: dict[str, np.ndarray], number: int
) -> Measurement:
    """Observables at a point of this number; at kept times with the random numbers of the run."""
    if point.time == 0:
        return engine.measuring.start
    stream = (FINER, number) if point.output is None else (OUTPUTS, point.output)
    key = random(engine.key, *stream)
    return engine.measuring.measure(point.theta, state, key, point.time)


def _burnt_in(
    engine: _Engine, theta: Vector, state: dict[str, np.ndarray], number: int
) -> dict[str, np.ndarray]:
    """Chains that have followed θ to a point of this number.

    Raises
    ------
    NumericalFailure
        If they have not.
    """
    assert engine.burn_in is not None
    equilibrated = False
    for draw in range(DRAWS):
        key = random(engine.key, BURN_IN, DRAWS * number + draw)
        moved, ensemble = engine.burn_in.function(theta, state, key_data(key))
        state, equilibrated = on_host(moved), bool(ensemble.equilibrated)
    if not equilibrated:
        raise NumericalFailure(
            f"The Markov chains must have forgotten where they were after {DRAWS} draws at each "
            "kept time, but have not; keep more output times, or use more `sweeps`."
        )
    return state
