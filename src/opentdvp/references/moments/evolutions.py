"""Evolutions with several cuts, side by side: a step of one after the other, to common times."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from opentdvp.physics.model import Jump, Model
from opentdvp.physics.pauli.cuts import Cut
from opentdvp.records.checkpoint import State
from opentdvp.records.result_code import ResultCode
from opentdvp.references.moments.explicit_steps import explicit_steps
from opentdvp.references.moments.exponential_steps import exponential_steps
from opentdvp.references.moments.hierarchy import Hierarchy, build_hierarchy
from opentdvp.references.moments.observables import product_state
from opentdvp.references.moments.points import Point, Steps, Tolerances

#: Explicit steps take about as many for a decay as it happens in a time; for more than this,
#: exponentials are faster.
_MANY = 2e4

# Times that differ by so much, relative to the end of an interval, are the same.
_ROUNDING = 1e-12

# Beginnings of the names of arrays in a state, by evolution.
_VALUES, _CLOCK = "values/", "clock/"


class Evolution(NamedTuple):
    """The equations with one cut, what no moment exceeds in any state, and how to solve them."""

    hierarchy: Hierarchy
    bounds: np.ndarray
    steps: Steps
    tolerances: Tolerances
    milestones: list[float]

    def to(self, point: Point, until: float) -> Iterator[Point | ResultCode]:
        """Every step up to a time, none of them over a milestone, or why there is none."""
        if point.time == until:
            return
        for end in self._ends(point.time, until):
            for found in self.steps(self.hierarchy, point, end, self.tolerances):
                if isinstance(found, ResultCode):
                    yield found
                    return
                if (np.abs(found.values) > self.bounds).any():
                    yield ResultCode.DIVERGENCE
                    return
                yield found
                point = found

    def _ends(self, time: float, until: float) -> Iterator[float]:
        """Milestones on the way, but for those that are another time and rounding, and the end."""
        margin = _ROUNDING * until
        for milestone in self.milestones:
            if time + margin < milestone < until - margin:
                yield milestone
                time = milestone
        yield until


def build_evolution(model: Model, cut: Cut, tolerances: Tolerances, stop: float) -> Evolution:
    """The equations of a model with a cut, to be solved up to a time."""
    hierarchy = build_hierarchy(model, cut)
    # |<Π (σ − m)>| ≤ Π (1 + |m|) with |m| ≤ 1.
    weights = np.count_nonzero(hierarchy.orbits.representatives, axis=1)
    fastest = max((_speed(jump) for jump in model.jumps), default=0.0)
    steps = exponential_steps if fastest * stop > _MANY else explicit_steps
    milestones = sorted({time for drive in model.drives for time in drive.milestones})
    return Evolution(hierarchy, 2.0**weights, steps, tolerances, milestones)


def _speed(jump: Jump) -> float:
    return jump.speed * (1.0 if jump.drive is None else jump.drive.bounds[1])


def start(evolutions: Mapping[str, Evolution], model: Model, step_size: float) -> State:
    """The product start state in all evolutions."""
    points = {
        name: Point(0.0, step_size, product_state(evolution.hierarchy, model))
        for name, evolution in evolutions.items()
    }
    return packed(points, State(0.0, step_size, {}))


def advance(
    evolutions: Mapping[str, Evolution],
    state: State,
    times: list[float],
    record: Callable[[State], State],
) -> Iterator[State | ResultCode]:
    """The state after every step of every evolution, or why there is none.

    Where all of them have reached one of the times, it is as `record` makes it.
    """
    for until in times:
        for name, evolution in evolutions.items():
            for point in evolution.to(unpacked(state)[name], until):
                if isinstance(point, ResultCode):
                    yield point
                    return
                state = packed(unpacked(state) | {name: point}, state)
                if state.time == until:
                    state = record(state)
                yield state


def unpacked(state: State) -> dict[str, Point]:
    """Where all evolutions are, in the order of their names in the state."""
    points = {}
    for key, values in state.arrays.items():
        if key.startswith(_VALUES):
            name = key.removeprefix(_VALUES)
            time, step_size = state.arrays[_CLOCK + name].tolist()
            points[name] = Point(time, step_size, values)
    return points


def packed(points: Mapping[str, Point], state: State) -> State:
    """The state with other points; its time is that which all evolutions have reached."""
    arrays = {_VALUES + name: point.values for name, point in points.items()}
    clocks = {name: np.array([point.time, point.step_size]) for name, point in points.items()}
    return replace(
        state,
        time=min(point.time for point in points.values()),
        step_size=min(point.step_size for point in points.values()),
        arrays=arrays | {_CLOCK + name: clock for name, clock in clocks.items()},
    )
