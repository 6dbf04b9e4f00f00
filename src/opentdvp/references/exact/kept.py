"""What exact runs keep, and observables from it: <P> of one Pauli string P per orbit.

That is all of ρ = 2⁻ᴺ Σ <P> P, in as few numbers as symmetry allows.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Complex, Float

from opentdvp.config import Deck, ExactSolver, ReducedExactSolver
from opentdvp.errors import FileError, NumericalFailure
from opentdvp.physics.model import Model, build_model
from opentdvp.physics.pauli.local_generators import LETTERS
from opentdvp.physics.pauli.orbits import PauliOrbits, count_orbits, find_orbits
from opentdvp.physics.pauli.symmetries import automorphisms, half_turns
from opentdvp.physics.spin import pauli_string
from opentdvp.protocol import Report, measuring
from opentdvp.records.checkpoint import State
from opentdvp.records.from_solver import make_trajectory
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Trajectory
from opentdvp.references.exact.reduced import EXPECTATIONS, Problem, assemble, observe, steps
from opentdvp.references.kept_states import Interval, intervals


def kept_size(deck: Deck) -> int:
    """Bytes of the expectation values of all orbits of the system of a deck."""
    model = build_model(deck.system)
    count = count_orbits(automorphisms(model), half_turns(model))
    return count * np.dtype(float).itemsize


def kept_orbits(deck: Deck, model: Model) -> PauliOrbits | None:
    """Orbits whose expectation values a run keeps; None if there are too many of them."""
    if not measure.keeps(deck):
        return None
    return find_orbits(automorphisms(model), half_turns(model))


def orbit_expectations(
    rho: Complex[np.ndarray, "n n"], orbits: PauliOrbits
) -> Float[np.ndarray, " orbits"]:
    """Tr(ρ P) for one Pauli string P of every orbit.

    Site by site, the two indices of ρ become one letter of P.
    """
    n_sites = rho.shape[0].bit_length() - 1
    letters = np.stack([pauli_string(letter) for letter in LETTERS])
    values = rho.reshape(1, *rho.shape)
    for site in range(n_sites):
        half = 2 ** (n_sites - site - 1)
        split = values.reshape(-1, 2, half, 2, half)
        values = np.einsum("lba,sarbc->slrc", letters, split).reshape(-1, half, half)
    sites = np.arange(n_sites)
    x, z = ((mask[:, None] >> sites) & 1 for mask in (orbits.x, orbits.z))
    # By bits: neither, X, Z, and both of them for Y.
    codes = np.array([LETTERS.index(letter) for letter in "IXZY"])[x + 2 * z]
    strings = codes @ len(LETTERS) ** sites[::-1]
    return np.asarray(values.real.reshape(-1)[strings])


@measuring(kept_size)
def measure(deck: Deck, evolution: Trajectory, report: Report) -> Trajectory:
    """Observables from kept expectation values; between them from a step of the reduced solver."""
    assert isinstance(deck.solver, ExactSolver | ReducedExactSolver)
    problem = assemble(deck)._replace(keeps=False)
    outputs: list[dict[str, np.ndarray]] = []
    for interval in intervals(evolution, problem.times, (EXPECTATIONS,)):
        values = _values_at(problem, evolution, interval)
        if interval.here:
            outputs.append(observe(problem, interval.begin, values))
        outputs.extend(_later(problem, deck.solver, interval, values))
        report(interval.begin)
    return make_trajectory(deck, tuple(outputs), (), "cpu", evolution.result)


def _values_at(
    problem: Problem, evolution: Trajectory, interval: Interval
) -> Float[np.ndarray, " orbits"]:
    if interval.row is None:
        return problem.start
    values = evolution.states[EXPECTATIONS][interval.row]
    if values.shape != problem.start.shape:
        raise FileError(
            f"Argument FILE must keep {problem.start.size} expectation values, but keeps "
            f"{values.size}; run it again."
        )
    return values


def _later(
    problem: Problem,
    solver: ExactSolver | ReducedExactSolver,
    interval: Interval,
    values: Float[np.ndarray, " orbits"],
) -> Iterator[dict[str, np.ndarray]]:
    """Observables at the times of an interval after its beginning."""
    if not interval.later:
        return
    within = problem._replace(times=np.array(interval.later))
    state = State(interval.begin, problem.first_step, {EXPECTATIONS: values})
    for found in steps(within, solver, state):
        if isinstance(found, ResultCode):
            raise NumericalFailure(
                f"What was kept at time {interval.begin:g} must evolve to {interval.later[-1]:g}, "
                f"but stops: {found.remedy('exact_reduced')}"
            )
        state = found
    yield from state.outputs
