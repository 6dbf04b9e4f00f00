"""The hierarchy of centred moments as a solver.

Every run is three, which go on side by side: the cut that is asked for, one weight less, and one
range less. The changes are its errors.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from opentdvp.config import Deck, MomentsSolver, Observables, System
from opentdvp.config.observables import written
from opentdvp.errors import ConfigError
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import Model, build_model
from opentdvp.physics.observables.derived import Derived
from opentdvp.physics.pauli.cut_orbits import estimated_orbits
from opentdvp.physics.pauli.cuts import Cut
from opentdvp.physics.pauli.strings import sites_of
from opentdvp.physics.pauli.symmetries import automorphisms, half_turns
from opentdvp.protocol import Task, method
from opentdvp.records.checkpoint import State
from opentdvp.records.from_solver import make_trajectory, output_times
from opentdvp.records.trajectory import Trajectory
from opentdvp.references.moments.evolutions import (
    Evolution,
    advance,
    build_evolution,
    start,
    unpacked,
)
from opentdvp.references.moments.hierarchy import Hierarchy
from opentdvp.references.moments.observables import at_the_cut, measure, string_expectations
from opentdvp.references.moments.points import Tolerances
from opentdvp.references.moments.sizes import elements_per_moment

#: Largest estimated memory of a run.
MAXIMAL_GIB = 12

#: What the standard errors in the file are.
ERROR_IS = "the larger of the changes by one weight less and by one range less; not statistical"

# Bytes per unknown: vectors of the steps; per element of the matrix: number, column, coefficient.
_VECTORS, _ELEMENT = 40 * 8, 20

# The evolution with the cut that is asked for.
_ASKED = "asked"


def _check(system: System, solver: MomentsSolver) -> None:
    model = build_model(system)
    lattice = model.lattice
    _check_correlators(system.observables, solver)
    _check_strings(system.observables, model, _cut(lattice, solver))
    permutations, turns = automorphisms(model), half_turns(model)
    cut = _cut(lattice, solver)
    count = estimated_orbits(lattice, permutations, turns, cut)
    elements = elements_per_moment(model, permutations, turns, cut)
    memory = count * (_VECTORS + _ELEMENT * elements) / 2**30
    if memory > MAXIMAL_GIB:
        raise ConfigError(
            f"`weight` and `range` must leave a problem of at most {MAXIMAL_GIB} GiB, but with "
            f"{len(permutations)} permutations that are symmetries and {len(turns)} half turns "
            f"{solver.weight} and {solver.range} leave {count:.3g} moments, about {memory:.3g} "
            "GiB; use a smaller one."
        )


def _check_correlators(observables: Observables, solver: MomentsSolver) -> None:
    reach = (solver.pair_range or solver.range) - 1
    for pair, distances in observables.correlators.items():
        if max(distances) > reach:
            raise ConfigError(
                f"`observables.correlators.{pair}` must have distances of at most {reach}, one "
                f"less than the range of pairs, but has {max(distances)}; use a larger "
                "`pair_range`."
            )


def _check_strings(observables: Observables, model: Model, cut: Cut) -> None:
    for string in Derived(observables, model).strings:
        within = cut.keeps(model.lattice, np.array([sites_of(string)]))[0]
        if len(string) > cut.weight or not within:
            raise ConfigError(
                "`observables` must need Pauli strings within the weight and range of the moments, "
                f"but need {written(string)}; use a larger `weight`, `range` or `pair_range`."
            )


@method(MomentsSolver, _check)
def solve(task: Task[MomentsSolver]) -> Trajectory:
    """Evolve the centred moments of the product start state, with three cuts side by side.

    The standard error is not statistical: it is the larger of the changes by one weight less and by
    one range less. Diagnostics, per output time: the largest of each of these changes, and the
    largest moment of the largest weight and of the largest range. If an evolution has no good step,
    or leaves what any state allows, the trajectory ends there. The report has the time that all
    three have reached.
    """
    problem, begun = _assemble(task.deck, task.settings)
    begin = begun if task.resume_from is None else task.resume_from
    ahead = output_times(task.deck)[len(begin.outputs) :].tolist()
    steps = advance(problem.evolutions, begin, ahead, problem.record)
    state, result = task.follow(steps, begin, lambda state: {"step": state.step_size})
    trajectory = make_trajectory(task.deck, state.outputs, state.diagnostics, "cpu", result)
    return replace(trajectory, provenance=trajectory.provenance | {"standard_error": ERROR_IS})


class _Problem(NamedTuple):
    """What stays the same during a run."""

    lattice: Lattice
    evolutions: dict[str, Evolution]
    observables: Observables
    derived: Derived
    edges: dict[str, np.ndarray]

    def record(self, state: State) -> State:
        """The state with what is observed at its time."""
        points = unpacked(state)
        found, lighter, narrower = (
            self._measured(state.time, points[name].values, evolution.hierarchy)
            for name, evolution in self.evolutions.items()
        )
        by_weight = {name: np.abs(mean - lighter[name]) for name, mean in found.items()}
        by_range = {name: np.abs(mean - narrower[name]) for name, mean in found.items()}
        errors = {f"{name}.stderr": np.maximum(by_weight[name], by_range[name]) for name in found}
        sizes = np.abs(points[_ASKED].values)
        record = {
            "time": np.array(state.time),
            "weight_error": np.max([np.max(error) for error in by_weight.values()]),
            "range_error": np.max([np.max(error) for error in by_range.values()]),
            **{f"largest_at_{edge}": sizes[at].max(initial=0.0) for edge, at in self.edges.items()},
        }
        return replace(
            state,
            outputs=(*state.outputs, {**found, **errors}),
            diagnostics=(*state.diagnostics, record),
        )

    def _measured(
        self, time: float, values: np.ndarray, hierarchy: Hierarchy
    ) -> dict[str, np.ndarray]:
        expectations = string_expectations(values, hierarchy, self.derived.strings)
        averages = measure(values, hierarchy, self.lattice, self.observables)
        return averages | self.derived.means(time, expectations)


def _cut(lattice: Lattice, solver: MomentsSolver) -> Cut:
    """The cut, without what no string of the lattice reaches: one less must leave out strings."""
    # One site has no pairs: with any cut it is solved exactly.
    longest = max(*lattice.shape, 2)
    pairs = None if solver.pair_range is None else min(solver.pair_range, longest)
    return Cut(min(solver.weight, max(lattice.n_sites, 2)), min(solver.range, longest), pairs)


def _assemble(deck: Deck, solver: MomentsSolver) -> tuple[_Problem, State]:
    """The problem, and its start."""
    model = build_model(deck.system)
    cut = _cut(model.lattice, solver)
    cuts = {
        _ASKED: cut,
        "lighter": replace(cut, weight=cut.weight - 1),
        "narrower": replace(cut, range=cut.range - 1),
    }
    tolerances = Tolerances(solver.relative_tolerance, solver.absolute_tolerance)
    stop, times = deck.system.time.last, output_times(deck)
    evolutions = {name: build_evolution(model, one, tolerances, stop) for name, one in cuts.items()}
    edges = at_the_cut(evolutions[_ASKED].hierarchy.orbits, model.lattice, cut)
    observables = deck.system.observables
    derived = Derived(observables, model)
    problem = _Problem(model.lattice, evolutions, observables, derived, edges)
    begin = start(evolutions, model, float(times[times > 0][0]))
    return problem, begin if times[0] > 0 else problem.record(begin)
