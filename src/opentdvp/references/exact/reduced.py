"""Exact Lindblad evolution in the smallest space that symmetry allows.

Expectation values of Pauli strings obey a linear equation. Strings that the symmetries of model and
start state map to each other have the same value at all times, and those that are odd under a half
turn of all spins have none, so one coefficient per orbit remains: 5.88 million of 4¹⁶ for the 4×4
torus.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from opentdvp.config import Deck, ExactSolver, Observables, ReducedExactSolver, System
from opentdvp.errors import ConfigError, FileError
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import Model, build_model
from opentdvp.physics.observables.derived import Derived
from opentdvp.physics.pauli.local_generators import local_generators
from opentdvp.physics.pauli.orbits import MAXIMAL_SITES, ODD, PauliOrbits, count_orbits, find_orbits
from opentdvp.physics.pauli.reduced_generator import build_reduced_generator
from opentdvp.physics.pauli.row_blocks import RowBlocks
from opentdvp.physics.pauli.strings import PauliString, letters_of, sites_of
from opentdvp.physics.pauli.symmetries import automorphisms, half_turns
from opentdvp.physics.spin import AXES
from opentdvp.protocol import LARGEST_KEPT, Task, method
from opentdvp.records.checkpoint import State
from opentdvp.records.from_solver import STATE, make_trajectory, output_times
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Trajectory
from opentdvp.references.exact.driven import FIRST, DrivenEquation
from opentdvp.references.exact.krylov import NoStep, Propagator, krylov_step
from opentdvp.references.site_averages import site_averages

#: Largest estimated memory of a run.
MAXIMAL_GIB = 12

#: Name of the expectation values of all orbits.
EXPECTATIONS = "expectations"

# Bytes per coefficient: vectors of the Krylov space and some more, those of half and whole steps of
# a driven one, and per matrix element.
_VECTORS, _DRIVEN, _ELEMENT = 30 * 8, 5 * 8, 12


def _check(system: System, _: ReducedExactSolver) -> None:
    model = build_model(system)
    permutations, turns = automorphisms(model), half_turns(model)
    count = count_orbits(permutations, turns)
    vectors = _VECTORS + (_DRIVEN if model.drives else 0)
    memory = count * (vectors + _ELEMENT * _elements(model)) / 2**30
    if model.n_sites > MAXIMAL_SITES or memory > MAXIMAL_GIB:
        raise ConfigError(
            f"`lattice.size` must give at most {MAXIMAL_SITES} sites and a problem of at most "
            f"{MAXIMAL_GIB} GiB for the reduced exact solver, but gives {model.n_sites} sites with "
            f"{len(permutations)} permutations that are symmetries and {len(turns)} half turns: "
            f"that leaves {count:.3g} coefficients, about {memory:.3g} GiB."
        )


@method(ReducedExactSolver, _check)
def solve(task: Task[ReducedExactSolver]) -> Trajectory:
    """Integrate the Lindblad equation by steps that are exponentials in a Krylov space.

    The space gives the observables at the output times in it too. With drives, steps are products
    of such exponentials, and none goes over a milestone. The errors of all steps add up to at most
    the sum of the two tolerances. Standard errors are zero; the steps are the diagnostics. If no
    step is short enough, the trajectory ends there.
    """
    problem = assemble(task.deck)
    begin = _start(problem) if task.resume_from is None else task.resume_from
    if EXPECTATIONS not in begin.arrays:
        raise FileError(
            "Cannot resume: the checkpoint must hold Pauli expectation values, but is of an "
            "earlier version of the solver; delete it to start the run anew."
        )
    state, result = task.follow(steps(problem, task.settings, begin), begin, _progress)
    return make_trajectory(task.deck, state.outputs, state.diagnostics, "cpu", result)


def _progress(state: State) -> dict[str, float]:
    return {"step": float(state.diagnostics[-1]["step_size"])}


class Problem(NamedTuple):
    """What stays the same during a run; `keeps` if its states are kept at the output times."""

    propagate: Propagator
    first_step: float
    start: Float[np.ndarray, " orbits"]
    orbits: PauliOrbits
    lattice: Lattice
    observables: Observables
    derived: Derived
    times: np.ndarray
    keeps: bool


def assemble(deck: Deck) -> Problem:
    """Everything that the steps of a deck need."""
    model = build_model(deck.system)
    orbits = find_orbits(automorphisms(model), half_turns(model))
    times = output_times(deck)
    propagate, first_step = _propagator(model, orbits, float(times[-1]))
    return Problem(
        propagate=propagate,
        first_step=first_step,
        start=_product_state(model, orbits),
        orbits=orbits,
        lattice=model.lattice,
        observables=deck.system.observables,
        derived=Derived(deck.system.observables, model),
        times=times,
        keeps=orbits.x.size * np.dtype(float).itemsize <= LARGEST_KEPT,
    )


def _propagator(model: Model, orbits: PauliOrbits, stop: float) -> tuple[Propagator, float]:
    """The steps of a model, and the first size to try: all in one step, if nothing is driven."""
    rows = RowBlocks(len(orbits.x))
    if not model.drives:
        return partial(krylov_step, build_reduced_generator(model, orbits, rows), rows), stop
    parts = tuple(
        (drive, build_reduced_generator(part, orbits, rows)) for drive, part in model.parts()
    )
    return DrivenEquation(parts, rows).step, FIRST * stop


def _product_state(model: Model, orbits: PauliOrbits) -> np.ndarray:
    """Products of the components of the Bloch vectors."""
    values = np.ones(len(orbits.x))
    for site, vector in enumerate(model.bloch):
        code = ((orbits.x >> site) & 1) + 2 * ((orbits.z >> site) & 1)
        # By bits: neither, X, Z, and both of them for Y.
        values *= np.array([1.0, vector[0], vector[2], vector[1]])[code]
    return values


def _start(problem: Problem) -> State:
    begin = State(0.0, problem.first_step, {EXPECTATIONS: problem.start})
    if problem.times[0] > 0:
        return begin
    return replace(begin, outputs=(_record(problem, 0.0, problem.start),))


def steps(
    problem: Problem, solver: ReducedExactSolver | ExactSolver, state: State
) -> Iterator[State | ResultCode]:
    """States after every step, with the observables on the way, or why there is none."""
    times, stop = problem.times, float(problem.times[-1])
    error_rate = (solver.relative_tolerance + solver.absolute_tolerance) / stop
    while state.time < stop:
        values = state.arrays[EXPECTATIONS]
        try:
            step = problem.propagate(state.time, values, state.step_size, stop, error_rate)
            within = times[len(state.outputs) : np.searchsorted(times, step.reached, side="right")]
            outputs = [_record(problem, time, step.at(time)) for time in within.tolist()]
            values = step.at(step.reached)
        except NoStep as none:
            yield none.result
            return
        record = {"time": np.array(state.time), "step_size": np.array(step.size)}
        state = State(
            time=step.reached,
            step_size=step.guess,
            arrays={EXPECTATIONS: values},
            outputs=(*state.outputs, *outputs),
            diagnostics=(*state.diagnostics, record),
        )
        yield state


def _record(problem: Problem, time: float, values: np.ndarray) -> dict[str, np.ndarray]:
    """What there is to know at an output time."""
    kept = {STATE + EXPECTATIONS: values} if problem.keeps else {}
    return observe(problem, time, values) | kept


def observe(problem: Problem, time: float, values: np.ndarray) -> dict[str, np.ndarray]:
    """Every configured observable from the values of the orbits."""
    orbits, lattice, derived = problem.orbits, problem.lattice, problem.derived
    sites = np.arange(lattice.n_sites)
    means = {axis: _expectations(values, orbits, axis, (sites,)) for axis in AXES}

    def correlation(letters: str, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return _expectations(values, orbits, letters, (first, second))

    averages = site_averages(means, correlation, lattice, problem.observables)
    return averages | derived.means(time, string_expectations(values, orbits, derived.strings))


def string_expectations(
    values: Float[np.ndarray, " orbits"], orbits: PauliOrbits, strings: Iterable[PauliString]
) -> Float[np.ndarray, " strings"]:
    """The expectation values of Pauli strings."""
    found = [
        _expectations(values, orbits, letters_of(string), tuple(map(np.asarray, sites_of(string))))
        for string in strings
    ]
    return np.array(found)


def _expectations(
    values: np.ndarray, orbits: PauliOrbits, letters: str, sites: tuple[np.ndarray, ...]
) -> np.ndarray:
    """<A_i B_j …> for arrays of sites; zero where it vanishes by symmetry."""
    bits = [np.left_shift(1, where) for where in sites]
    x = sum((a in "XY") * bit for a, bit in zip(letters, bits, strict=True))
    z = sum((a in "YZ") * bit for a, bit in zip(letters, bits, strict=True))
    number = orbits.index(np.asarray(x), np.asarray(z))
    return np.where(number == ODD, 0.0, values[number])


def _elements(model: Model) -> float:
    """Matrix elements per coefficient: one on each diagonal, the others by what they couple."""
    parts = [local_generators(part) for _, part in model.parts()]
    off_diagonal = (g - np.diag(np.diag(g)) for part in parts for g in part.values())
    return sum((np.count_nonzero(g) / len(g) for g in off_diagonal), float(len(parts)))
