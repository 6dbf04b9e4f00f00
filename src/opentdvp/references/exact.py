"""Exact Lindblad evolution of small systems with QuTiP.

ρ̇ = −i[H, ρ] + Σ γ(LρL† − ½{L†L, ρ}) (paper, eq. 3) for the full density matrix of 4ᴺ entries.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import qutip
from jaxtyping import Complex
from qutip.solver.integrator import IntegratorException

from opentdvp.config import Deck, ExactSolver, Observables, System
from opentdvp.errors import ConfigError, NumericalFailure
from opentdvp.models import Lattice, Model, build_model
from opentdvp.provenance import provenance
from opentdvp.results import ResultCode
from opentdvp.spin import AXES, PAULI, pauli_string, spin_state
from opentdvp.trajectory import Observable, Trajectory

#: Ten sites take minutes, and each further site about four times as long.
MAXIMAL_SITES = 10

#: Largest |tr ρ − 1| that is taken for rounding.
TRACE_LIMIT = 1e-6

# Density matrices that the integrator holds, measured: ρ and its history up to order 12.
_COPIES = 18

# QuTiP counts steps per output time; its limit must not depend on how dense the output is.
_MAXIMAL_STEPS = 10**8


def check(system: System) -> None:
    """Raise `ConfigError` if the system is too large for a full density matrix."""
    sites = system.lattice.n_sites
    if sites > MAXIMAL_SITES:
        memory = _COPIES * 4**sites * np.dtype(complex).itemsize / 2**30
        raise ConfigError(
            f"`lattice.size` must give at most {MAXIMAL_SITES} sites for the exact solver, but "
            f"gives {sites}: that would need about {memory:.4g} GiB of memory and take about "
            f"{4 ** (sites - MAXIMAL_SITES):.4g} times as long as {MAXIMAL_SITES} sites."
        )


def solve(deck: Deck, report: Callable[[float], None]) -> Trajectory:
    """Integrate the Lindblad equation from the product start state to the last time.

    Parameters
    ----------
    deck
        System and exact solver.
    report
        Called with every output time, the first included, when its observables are known.

    Returns
    -------
    Trajectory
        Site-averaged observables with standard error zero, and |tr ρ − 1| at every output time as
        the diagnostic `trace_error`. If ρ is not finite or its trace drifts, the trajectory ends
        before that time and its result code says why.

    Raises
    ------
    ConfigError
        If the system is too large.
    NumericalFailure
        If the integrator cannot reach its tolerances.
    """
    system, solver = deck.system, deck.solver
    if not isinstance(solver, ExactSolver):
        raise TypeError(f"`deck.solver` must be an ExactSolver, but is {type(solver).__name__}.")
    check(system)
    model = build_model(system)
    times = np.linspace(0, system.time.stop, system.time.points)
    records: list[dict[str, np.ndarray]] = []
    result = ResultCode.SUCCESS
    for time, rho in zip(times, _evolve(model, solver, times), strict=True):
        result = _judge(rho)
        if result is not ResultCode.SUCCESS:
            break
        trace_error = {"trace_error": np.array(_trace_error(rho))}
        records.append(measure(rho, model.lattice, system.observables) | trace_error)
        report(float(time))
    return _trajectory(deck, times[: len(records)], records, result)


def hamiltonian(model: Model) -> qutip.Qobj:
    """H as a sparse operator."""
    total = qutip.qzero([2] * model.n_sites, dtype="CSR")
    for term in model.terms:
        factors = (PAULI[letter] for letter in term.operators)
        total += term.strength * _place(dict(zip(term.sites, factors, strict=True)), model.n_sites)
    return total


def collapse_operators(model: Model) -> list[qutip.Qobj]:
    """√γ L of every jump, as sparse operators."""
    return [
        np.sqrt(jump.rate) * _place({jump.site: jump.matrix}, model.n_sites) for jump in model.jumps
    ]


def start_state(model: Model) -> qutip.Qobj:
    """The product of equal spins (1 + r·σ)/2, as a dense density matrix."""
    return qutip.tensor([qutip.Qobj(spin_state(model.bloch))] * model.n_sites).to("Dense")


def measure(
    rho: Complex[np.ndarray, "n n"], lattice: Lattice, observables: Observables
) -> dict[str, np.ndarray]:
    """Every configured observable of a density matrix.

    Magnetisations are scalars named X, Y, Z. Correlators are named C_XX and so on, with one entry
    per distance: C_AB(d) = mean over sites i of <A_i B_{i+d}> − <A_i><B_{i+d}>, i + d along x.
    """
    sites = range(lattice.n_sites)
    means = {axis: np.array([expectation(rho, axis, (i,)) for i in sites]) for axis in AXES}
    values: dict[str, np.ndarray] = {
        axis: np.array(means[axis].mean()) for axis in observables.magnetization
    }
    for pair, distances in observables.correlators.items():
        first, second = means[pair[0]], means[pair[1]]
        values[f"C_{pair}"] = np.array(
            [
                np.mean([expectation(rho, pair, (i, j)) - first[i] * second[j] for i, j in pairs])
                for pairs in map(lattice.pairs, distances)
            ]
        )
    return values


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


def _place(operators: Mapping[int, np.ndarray], n_sites: int) -> qutip.Qobj:
    """One-site operators on their sites, identities elsewhere; site 0 is the leftmost factor."""
    factors = [qutip.Qobj(operators.get(site, PAULI["I"])).to("CSR") for site in range(n_sites)]
    return qutip.tensor(factors)


def _evolve(model: Model, solver: ExactSolver, times: np.ndarray) -> Iterator[np.ndarray]:
    """Density matrices at the output times."""
    options = {
        # Products of sparse operators with a dense ρ: a quarter of the memory of a Liouvillian
        # matrix, and no slower. Adams needs half the time of dop853 here.
        "matrix_form": True,
        "method": "adams",
        "rtol": solver.relative_tolerance,
        "atol": solver.absolute_tolerance,
        "nsteps": _MAXIMAL_STEPS,
        # Normalising would hide a drift of the trace.
        "normalize_output": False,
        "progress_bar": "",
    }
    evolution = qutip.MESolver(hamiltonian(model), collapse_operators(model), options=options)
    start = start_state(model)
    evolution.start(start, times[0])
    yield start.full()
    for time in times[1:]:
        yield _step(evolution, time)


def _step(evolution: qutip.MESolver, time: float) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            # SciPy warns of what is raised here.
            warnings.simplefilter("ignore", UserWarning)
            return evolution.step(time, copy=False).full()
    except IntegratorException as error:
        raise NumericalFailure(f"The exact solver stopped before time {time:g}: {error}") from error


def _judge(rho: np.ndarray) -> ResultCode:
    if not np.isfinite(rho).all():
        return ResultCode.NOT_FINITE
    return ResultCode.PROBABILITY_DRIFT if _trace_error(rho) > TRACE_LIMIT else ResultCode.SUCCESS


def _trace_error(rho: np.ndarray) -> float:
    return float(abs(np.trace(rho) - 1))


def _trajectory(
    deck: Deck, times: np.ndarray, records: list[dict[str, np.ndarray]], result: ResultCode
) -> Trajectory:
    """Everything recorded, in the form that all solvers share."""
    columns = {name: np.array([record[name] for record in records]) for name in records[0]}
    diagnostics = {"trace_error": columns.pop("trace_error")}
    distances = deck.system.observables.correlators
    return Trajectory(
        times=times,
        observables={
            name: Observable(mean, np.zeros_like(mean), distances.get(name.removeprefix("C_"), ()))
            for name, mean in columns.items()
        },
        diagnostics=diagnostics,
        deck=deck.canonical(),
        provenance=provenance(device="cpu"),
        result=result,
    )
