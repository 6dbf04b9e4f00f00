"""Trajectories: known curves with the decks of real runs, and exact solutions."""

from typing import Any

import numpy as np
from solvers import exact, solved
from systems import heisenberg_ring

from opentdvp import judging
from opentdvp.config import Deck, ExactSolver, Run, Solver, Study, System, TdvpSolver
from opentdvp.config.comparison import Tolerance
from opentdvp.records import trajectory
from opentdvp.records.timing import write_timing
from opentdvp.records.trajectory import Observable, Trajectory
from opentdvp.study import drawing

LOOSE = Tolerance(magnetization=0.05, correlators=0.02)


def make(
    observables: dict[str, Observable],
    times: np.ndarray,
    system: System | None = None,
    solver: Solver | None = None,
    revision: str = "a" * 40,
    **fields: Any,
) -> Trajectory:
    """A trajectory of given curves; without a deck of its own, an exact one of six sites."""
    deck = Deck(system=system or heisenberg_ring(6), solver=solver or exact())
    return Trajectory(times, observables, deck.canonical(), {"revision": revision}, **fields)


def solved_exactly(system: System, solver: ExactSolver | None = None) -> Trajectory:
    """The solution of QuTiP, tight unless told otherwise."""
    return solved(system, solver or exact())


def damped(
    points: int = 61, error: float = 0.0, seed: int | None = None, **settings: Any
) -> Trajectory:
    """Damped oscillations that look like Heisenberg dynamics, with noise of size `error`."""
    t = np.linspace(0, 3, points)
    decay = np.exp(-2 * t)
    means = {
        "X": 0.9 * np.sin(2.5 * t) * decay,
        "Y": -np.cos(2.5 * t) * decay,
        "Z": -0.28 * (1 - decay * np.cos(4 * t)),
        "C_XX": _columns(-0.25 * t * np.exp(-1.4 * t) * (1 + 0.3 * np.sin(6 * t))),
        "C_YY": _columns(0.16 * t * np.exp(-1.2 * t)),
        "C_ZZ": _columns(0.2 * np.sin(6 * t) * t * np.exp(-3 * t)),
    }
    rng = np.random.default_rng(seed)
    observables = {
        name: Observable(
            mean + (error * rng.standard_normal(mean.shape) if seed is not None else 0),
            np.full_like(mean, error),
            (1, 2) if mean.ndim == 2 else (),
        )
        for name, mean in means.items()
    }
    return make(observables, t, **settings)


def flat(
    values: Any, errors: Any, times: Any = (0.0, 1.0, 2.0, 3.0), **settings: Any
) -> Trajectory:
    """A trajectory of <X> alone."""
    grid = np.asarray(times, dtype=float)
    mean = np.broadcast_to(np.asarray(values, dtype=float), grid.shape)
    error = np.broadcast_to(np.asarray(errors, dtype=float), grid.shape)
    return make({"X": Observable(mean, error)}, grid, **settings)


def _columns(curve: np.ndarray) -> np.ndarray:
    """The curve at distances 1 and 2, where it is half as large."""
    return np.stack([2 * curve, curve], axis=1)


def made_up(study: Study, run: Run) -> Trajectory:
    """A run of a study; networks have errors, diagnostics, and are off by more in each curve."""
    deck = study.deck(run)
    grid, network = deck.system.time, isinstance(deck.solver, TdvpSolver)
    times = grid.values
    error = 0.005 if network else 0.0
    keys = sorted(study.curves(run))
    means = {
        key: 0.1 * np.sin((1 + k) * times / grid.last) + error * (1 + k / 10)
        for k, key in enumerate(keys)
    }
    observables = {}
    for name in dict(keys):
        distances = tuple(distance for other, distance in keys if other == name and distance)
        mean = np.stack([means[name, distance] for distance in distances or (0,)], axis=1)
        mean = mean if distances else mean[:, 0]
        observables[name] = Observable(mean, np.full_like(mean, error), distances)
    steps = {"time": times[1:], "residual": times[1:], "residual_held_out": 2 * times[1:]}
    diagnostics = steps if network else {}
    return make(observables, times, deck.system, deck.solver, diagnostics=diagnostics)


def write_archive(study: Study) -> None:
    """Runs that are made up, and the tables of them; no figures."""
    output = study.output
    for run in study.used():
        trajectory.write(made_up(study, run), output.trajectory(run))
        write_timing(output.trajectory(run), 1.0, resumed=False)
    for name, entry in study.comparisons.items():
        runs = (output.trajectory(run) for run in (entry.candidate, entry.reference))
        tables = judging.judge(study, entry, *runs)
        judging.write_table(tables.points, output.points(name))
        judging.write_table(tables.summary, output.summary(name))
    for name, figure in study.figures.items():
        if figure.derived:
            judging.write_table(drawing.derive(study, name), output.derived(name))
