"""Monte Carlo wave functions with QuTiP: ψ decays under H − (i/2) Σ γ L†L until a jump L is drawn.

The average of |ψ><ψ| over trajectories obeys the Lindblad equation (paper, eq. 3; Dalibard, Castin
and Mølmer 1992).
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import qutip
from qutip.solver.integrator import IntegratorException

from opentdvp.config import WaveFunctionSolver
from opentdvp.config.strengths import Drive
from opentdvp.errors import ConfigError, NumericalFailure
from opentdvp.physics.model import Model
from opentdvp.records.result_code import ResultCode
from opentdvp.references.exact.driven import shortest_period
from opentdvp.references.exact.fast_jumps import is_fast, reach
from opentdvp.references.exact.full import MAXIMAL_STEPS
from opentdvp.references.exact.operators import driven_operators
from opentdvp.references.time_steps import milestones
from opentdvp.references.trajectories.pure_states import Amplitudes, Simulator, pure_start

# Up to so many sites, a stiff method has room for a matrix of its derivatives.
_MAXIMAL_STIFF_SITES = 8


def check(model: Model, listed: int) -> None:
    """Raise `ConfigError` if there is nothing random; so many jumps are listed in the system."""
    if not _rate(model):
        wrong = "have a rate above 0, but each of them is 0" if listed else "not be empty, but is"
        raise ConfigError(
            f"`jumps` must {wrong}; Monte Carlo wave functions need one. A closed system is solved "
            "by the methods exact and mps."
        )


def _rate(model: Model) -> float:
    """The largest rate of all jumps together, at any time."""
    return sum((jump.speed * reach(jump.drive) for jump in model.jumps), 0.0)


def simulator(model: Model, settings: WaveFunctionSolver, times: np.ndarray) -> Simulator:
    """A function from random numbers to the normalised states at all times of one trajectory."""
    # QuTiP begins at the first of the times that it is given.
    known = times if times[0] == 0 else np.append(0.0, times)
    stops = np.sort(np.concatenate([known, milestones(model.drives, known)]))
    outputs = np.searchsorted(stops, times)
    options = _options(model, settings, stops)
    evolution = qutip.MCSolver(*driven_operators(model), options=options)
    start = qutip.Qobj(pure_start(model), dims=[[2] * model.n_sites, [1]]).to("Dense")

    def simulate(random: np.random.Generator) -> Iterator[Amplitudes]:
        seed = np.random.SeedSequence(random.integers(2**63))
        try:
            with warnings.catch_warnings():
                # SciPy warns of what is raised here.
                warnings.simplefilter("ignore", UserWarning)
                found = evolution.run(start, stops, ntraj=1, seeds=[seed])
        except (IntegratorException, RuntimeError, ArithmeticError, ValueError) as error:
            remedy = ResultCode.INTEGRATOR_FAILURE.remedy(settings.method)
            raise NumericalFailure(f"A trajectory stopped: {error} {remedy}") from error
        for output in outputs.tolist():
            yield found.runs_states[0][output].full().ravel()

    return simulate


def _options(model: Model, settings: WaveFunctionSolver, stops: np.ndarray) -> dict[str, Any]:
    fast = is_fast(model, float(stops[-1])) and model.n_sites <= _MAXIMAL_STIFF_SITES
    return {
        "method": "lsoda" if fast else "adams",
        "rtol": settings.relative_tolerance,
        "atol": settings.absolute_tolerance,
        "nsteps": MAXIMAL_STEPS,
        "max_step": _longest_step(model.drives, stops, fast),
        # The search for the time of a jump ends when the norm is right to 1e-4. It never ends if it
        # may not try times so close that the norm changes by less.
        "norm_tol": 1e-4,
        "norm_t_tol": min(1e-6, 5e-5 / _rate(model)),
        "norm_steps": 1000,
        "map": "serial",
        "store_states": True,
        "keep_runs_results": True,
        "progress_bar": "",
    }


def _longest_step(drives: Sequence[Drive], stops: np.ndarray, fast: bool) -> float:
    """One that misses no period and no pulse; 0 if any step may be taken.

    Adams stops at every milestone. Lsoda steps over them, and back: at most a quarter of three.
    """
    quarters = (
        (last - first) / 4
        for drive in drives
        for first, last in zip(drive.milestones, drive.milestones[2:], strict=False)
        if first < stops[-1] and last > stops[0]
    )
    longest = min([shortest_period(drives), *(quarters if fast else ())])
    return longest if np.isfinite(longest) else 0.0
