"""Exact Lindblad evolution of small systems with QuTiP.

ρ̇ = −i[H, ρ] + Σ γ(LρL† − ½{L†L, ρ}) (paper, eq. 3) for the full density matrix of 4ᴺ entries.
Where jumps are much faster than all else, steps are exponentials of the same equation instead.
With drives, terms and jumps depend on the time, and no step goes over a milestone.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import qutip
from jaxtyping import Complex, Float
from qutip.solver.integrator import IntegratorException

from opentdvp.config import Deck, ExactSolver, Observables, System
from opentdvp.errors import ConfigError, NumericalFailure
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import Model, build_model
from opentdvp.physics.observables.derived import Derived
from opentdvp.physics.pauli.strings import PauliString, letters_of, sites_of
from opentdvp.physics.spin import AXES, pauli_string
from opentdvp.protocol import Report, Task, method
from opentdvp.records.checkpoint import State
from opentdvp.records.from_solver import STATE, make_trajectory, output_times
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Trajectory
from opentdvp.references.exact import fast_jumps
from opentdvp.references.exact.driven import next_milestone, shortest_period
from opentdvp.references.exact.kept import kept_orbits, orbit_expectations
from opentdvp.references.exact.operators import (
    collapse_operators,
    driven_operators,
    hamiltonian,
    start_state,
)
from opentdvp.references.exact.reduced import EXPECTATIONS
from opentdvp.references.site_averages import site_averages

#: Ten sites take minutes, and each further site about four times as long.
MAXIMAL_SITES = 10

#: Largest |tr ρ − 1| that is taken for rounding.
TRACE_LIMIT = 1e-6

# Density matrices that the integrator holds, measured: ρ and its history up to order 12.
_COPIES = 18

# The multistep integrator starts afresh after so many output times, so that a run that was resumed
# there equals one that was not.
_RESTART = 10

#: From a time and the density matrix then to the observables.
_Measurement = Callable[[float, np.ndarray], dict[str, np.ndarray]]

#: QuTiP counts steps per output time; its limit must not depend on how dense the output is.
MAXIMAL_STEPS = 10**8


def _check(system: System, _: ExactSolver) -> None:
    sites = system.lattice.n_sites
    if sites > MAXIMAL_SITES:
        memory = _COPIES * 4**sites * np.dtype(complex).itemsize / 2**30
        raise ConfigError(
            f"`lattice.size` must give at most {MAXIMAL_SITES} sites for the exact solver, but "
            f"gives {sites}: that would need about {memory:.4g} GiB of memory and take about "
            f"{4 ** (sites - MAXIMAL_SITES):.4g} times as long as {MAXIMAL_SITES} sites."
        )


@method(ExactSolver, _check)
def solve(task: Task[ExactSolver]) -> Trajectory:
    """Integrate the Lindblad equation for the density matrix, as far as it can be trusted.

    Every output time is reported, every tenth state kept. Standard errors are zero; the diagnostic
    `trace_error` is |tr ρ − 1| at every output time. If ρ is not finite or its trace drifts, the
    trajectory ends before that time.
    """
    deck = task.deck
    model, times = build_model(deck.system), output_times(deck)
    evolve = partial(_evolve, model, task.settings, float(times[-1]))
    measure = _measurement(deck, model)
    state = _start(model, deck, measure) if task.resume_from is None else task.resume_from
    if task.resume_from is None:
        task.report(0.0)
    result = ResultCode.SUCCESS
    while result is ResultCode.SUCCESS and state.time < times[-1]:
        ahead = times[len(state.outputs) :][:_RESTART]
        state, result = _stretch(evolve, measure, state, ahead, task.report)
        task.keep(state)
    return make_trajectory(deck, state.outputs, state.diagnostics, "cpu", result)


def _start(model: Model, deck: Deck, measure: _Measurement) -> State:
    rho = start_state(model).full()
    begin = State(0.0, 0.0, {"rho": rho})
    if deck.system.time.first > 0:
        return begin
    return replace(begin, outputs=(measure(0.0, rho),), diagnostics=(_diagnose(rho),))


def _stretch(
    evolve: Callable[[State, np.ndarray], Iterator[np.ndarray]],
    measure: _Measurement,
    state: State,
    times: np.ndarray,
    report: Report,
) -> tuple[State, ResultCode]:
    """From a state to the last of some later times that can be trusted."""
    for time, rho in zip(times, evolve(state, np.append(state.time, times)), strict=True):
        result = _judge(rho)
        if result is not ResultCode.SUCCESS:
            return state, result
        output = measure(float(time), rho)
        state = State(
            time=float(time),
            step_size=0.0,
            arrays={"rho": rho},
            outputs=(*state.outputs, output),
            diagnostics=(*state.diagnostics, _diagnose(rho)),
        )
        report(float(time))
    return state, ResultCode.SUCCESS


def _measurement(deck: Deck, model: Model) -> _Measurement:
    """Every configured observable of a density matrix at a time, and what is kept of it."""
    observables = deck.system.observables
    derived = Derived(observables, model)
    kept = kept_orbits(deck, model)

    def measured(time: float, rho: np.ndarray) -> dict[str, np.ndarray]:
        values = string_expectations(rho, derived.strings)
        averages = measure(rho, model.lattice, observables)
        state = {} if kept is None else {STATE + EXPECTATIONS: orbit_expectations(rho, kept)}
        return averages | derived.means(time, values) | state

    return measured


def measure(
    rho: Complex[np.ndarray, "n n"], lattice: Lattice, observables: Observables
) -> dict[str, np.ndarray]:
    """Every site average of a density matrix (`averages.site_averages`)."""
    sites = range(lattice.n_sites)
    means = {axis: np.array([expectation(rho, axis, (i,)) for i in sites]) for axis in AXES}

    def correlation(letters: str, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        ends = zip(first.tolist(), second.tolist(), strict=True)
        return np.array([expectation(rho, letters, pair) for pair in ends])

    return site_averages(means, correlation, lattice, observables)


def string_expectations(
    rho: Complex[np.ndarray, "n n"], strings: Iterable[PauliString]
) -> Float[np.ndarray, " strings"]:
    """The expectation values of Pauli strings."""
    return np.array([expectation(rho, letters_of(string), sites_of(string)) for string in strings])


def expectation(rho: Complex[np.ndarray, "n n"], letters: str, sites: tuple[int, ...]) -> float:
    """<A B …> of Pauli matrices `letters` on different `sites`, from their reduced density matrix.

    The partial trace visits 2ᴺ⁺ᵏ entries for k sites instead of all 4ᴺ.
    """
    n_sites = rho.shape[0].bit_length() - 1
    rows, columns = list(range(n_sites)), list(range(n_sites))
    for position, site in enumerate(sites):
        columns[site] = n_sites + position
    kept = [*sites, *(columns[site] for site in sites)]
    reduced = np.einsum(rho.reshape((2,) * (2 * n_sites)), rows + columns, kept)
    operator = pauli_string(letters)
    return float(np.trace(reduced.reshape(operator.shape) @ operator).real)


def _evolve(
    model: Model, solver: ExactSolver, stop: float, state: State, times: np.ndarray
) -> Iterator[np.ndarray]:
    """Density matrices at all times but the first, which is that of the state."""
    if fast_jumps.is_fast(model, stop):
        error_rate = (solver.relative_tolerance + solver.absolute_tolerance) / stop
        parts = [(f, hamiltonian(part), collapse_operators(part)) for f, part in model.parts()]
        yield from fast_jumps.evolve(parts, state.arrays["rho"], times, error_rate)
        return
    evolution = _integrator(model, solver)
    dims = [[2] * model.n_sites] * 2
    now = float(times[0])
    evolution.start(qutip.Qobj(state.arrays["rho"], dims=dims).to("Dense"), now)
    for time in map(float, times[1:]):
        while (milestone := next_milestone(model.drives, now, time)) < time:
            _step(evolution, milestone)
            now = milestone
        yield _step(evolution, time)
        now = time


def _integrator(model: Model, solver: ExactSolver) -> qutip.MESolver:
    options = {
        # Products of sparse operators with a dense ρ: a quarter of the memory of a Liouvillian
        # matrix, and no slower.
        "matrix_form": True,
        "rtol": solver.relative_tolerance,
        "atol": solver.absolute_tolerance,
        "nsteps": MAXIMAL_STEPS,
        # Normalising would hide a drift of the trace.
        "normalize_output": False,
        "progress_bar": "",
    }
    if not model.drives:
        # Half the time of dop853 here.
        options["method"] = "adams"
        return qutip.MESolver(hamiltonian(model), collapse_operators(model), options=options)
    # Adams looks beyond the time that it is asked for, over a milestone; dop853 ends there.
    period = shortest_period(model.drives)
    options |= {"method": "dop853", "max_step": period if np.isfinite(period) else 0}
    return qutip.MESolver(*driven_operators(model), options=options)


def _step(evolution: qutip.MESolver, time: float) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            # SciPy warns of what is raised here.
            warnings.simplefilter("ignore", UserWarning)
            return evolution.step(time, copy=False).full()
    except IntegratorException as error:
        raise NumericalFailure(
            f"The exact solver stopped before time {time:g}: {error} "
            f"{ResultCode.INTEGRATOR_FAILURE.remedy('exact')}"
        ) from error


def _judge(rho: np.ndarray) -> ResultCode:
    if not np.isfinite(rho).all():
        return ResultCode.NOT_FINITE
    return ResultCode.PROBABILITY_DRIFT if _trace_error(rho) > TRACE_LIMIT else ResultCode.SUCCESS


def _diagnose(rho: np.ndarray) -> dict[str, np.ndarray]:
    return {"trace_error": np.array(_trace_error(rho))}


def _trace_error(rho: np.ndarray) -> float:
    return float(abs(np.trace(rho) - 1))
