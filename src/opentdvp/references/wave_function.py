"""Monte Carlo wave functions with QuTiP: ψ decays under H − (i/2) Σ γ L†L until a jump L is drawn.

The average of |ψ><ψ| over trajectories obeys the Lindblad equation (paper, eq. 3; Dalibard, Castin
and Mølmer 1992).
"""

import warnings
from collections.abc import Iterator

import numpy as np
import qutip
from qutip.solver.integrator import IntegratorException

from opentdvp.config import WaveFunctionSolver
from opentdvp.errors import ConfigError, NumericalFailure
from opentdvp.models import Model
from opentdvp.references.exact import MAXIMAL_STEPS, collapse_operators, hamiltonian
from opentdvp.references.exact_krylov import is_fast
from opentdvp.references.pure_states import Amplitudes, Simulator, pure_start
from opentdvp.results import ResultCode

# Up to so many sites, a stiff method has room for a matrix of its derivatives.
_MAXIMAL_STIFF_SITES = 8


def check(model: Model) -> None:
    """Raise `ConfigError` if there is nothing random."""
    if not model.jumps:
        raise ConfigError("`jumps` must not be empty for Monte Carlo wave functions, but is.")


def simulator(model: Model, settings: WaveFunctionSolver, times: np.ndarray) -> Simulator:
    """A function from random numbers to the normalised states at all times of one trajectory."""
    stop = float(times[-1])
    fast = is_fast(model, stop) and model.n_sites <= _MAXIMAL_STIFF_SITES
    fastest = max(jump.rate * float(np.linalg.norm(jump.matrix, 2)) ** 2 for jump in model.jumps)
    options = {
        "method": "lsoda" if fast else "adams",
        "rtol": settings.relative_tolerance,
        "atol": settings.absolute_tolerance,
        "nsteps": MAXIMAL_STEPS,
        # The time of a jump is searched up to this time, in at most so many steps.
        "norm_t_tol": min(1e-6, 1e-3 / fastest),
        "norm_steps": 1000,
        "map": "serial",
        "store_states": True,
        "keep_runs_results": True,
        "progress_bar": "",
    }
    evolution = qutip.MCSolver(hamiltonian(model), collapse_operators(model), options=options)
    start = qutip.Qobj(pure_start(model), dims=[[2] * model.n_sites, [1]]).to("Dense")

    def simulate(random: np.random.Generator) -> Iterator[Amplitudes]:
        seed = np.random.SeedSequence(random.integers(2**63))
        try:
            with warnings.catch_warnings():
                # SciPy warns of what is raised here.
                warnings.simplefilter("ignore", UserWarning)
                found = evolution.run(start, times, ntraj=1, seeds=[seed])
        except (IntegratorException, RuntimeError) as error:
            remedy = ResultCode.INTEGRATOR_FAILURE.remedy(settings.method)
            raise NumericalFailure(f"A trajectory stopped: {error} {remedy}") from error
        for state in found.runs_states[0]:
            yield state.full().ravel()

    return simulate
