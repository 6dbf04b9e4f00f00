"""The hierarchy of centred moments as a solver.

Every run is three, which go on side by side: the cut that is asked for, one weight less, and one
range less. The changes are its errors.
"""

from dataclasses import replace

import numpy as np

from opentdvp.config import MomentsSolver, Observables, System
from opentdvp.config.observables import written
from opentdvp.errors import ConfigError
from opentdvp.physics.model import Model, build_model
from opentdvp.physics.observables.derived import Derived
from opentdvp.physics.pauli.cut_orbits import estimated_orbits
from opentdvp.physics.pauli.cuts import Cut
from opentdvp.physics.pauli.strings import sites_of
from opentdvp.physics.pauli.symmetries import automorphisms, half_turns
from opentdvp.protocol import Task, method
from opentdvp.records.from_solver import make_trajectory, output_times
from opentdvp.records.trajectory import Trajectory
from opentdvp.references.moments.evolutions import advance
from opentdvp.references.moments.problem import assemble, cut_of
from opentdvp.references.moments.sizes import elements_per_moment

#: Largest estimated memory of a run.
MAXIMAL_GIB = 12

#: What the standard errors in the file are.
ERROR_IS = "the larger of the changes by one weight less and by one range less; not statistical"

# Bytes per unknown: vectors of the steps; per element of the matrix: number, column, coefficient.
_VECTORS, _ELEMENT = 40 * 8, 20


def _check(system: System, solver: MomentsSolver) -> None:
    model = build_model(system)
    lattice = model.lattice
    _check_correlators(system.observables, solver)
    _check_strings(system.observables, model, cut_of(lattice, solver))
    permutations, turns = automorphisms(model), half_turns(model)
    cut = cut_of(lattice, solver)
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
    problem, begin = assemble(task.deck, task.settings)
    times = output_times(task.deck)
    if task.resume_from is not None:
        begin = task.resume_from
    elif times[0] == 0:
        begin = problem.record(begin)
    ahead = times[len(begin.outputs) :].tolist()
    steps = advance(problem.evolutions, begin, ahead, problem.record)
    state, result = task.follow(steps, begin, lambda state: {"step": state.step_size})
    trajectory = make_trajectory(task.deck, state.outputs, state.diagnostics, "cpu", result)
    return replace(trajectory, provenance=trajectory.provenance | {"standard_error": ERROR_IS})
