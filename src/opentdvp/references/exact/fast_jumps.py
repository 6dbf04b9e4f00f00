"""The Lindblad equation in steps that fast jumps, couplings and fields do not shorten."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import qutip

from opentdvp.config.strengths import Drive
from opentdvp.errors import NumericalFailure
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.row_blocks import RowBlocks
from opentdvp.records.result_code import ResultCode
from opentdvp.references.exact.driven import FIRST, DrivenEquation
from opentdvp.references.exact.krylov import Derivative, NoStep, Propagator, krylov_step

#: A jump is fast if its rate is so many times the strongest term of H and the inverse of the time;
#: anything is that happens so many times.
_RATIO, _TIMES = 20.0, 1e4

#: What is constant (None) and what every drive multiplies: H and √γ L of all jumps.
Parts = list[tuple[Drive | None, qutip.Qobj, list[qutip.Qobj]]]


def is_fast(model: Model, stop: float) -> bool:
    """Whether a multistep integrator would follow the model badly, or take very long."""
    strongest = max((abs(t.strength) * reach(t.drive) for t in model.terms), default=0.0)
    fastest = max((jump.speed * reach(jump.drive) for jump in model.jumps), default=0.0)
    stiff = fastest > _RATIO * max(strongest, 1 / stop)
    return stiff or max(fastest, strongest) * stop > _TIMES


def reach(drive: Drive | None) -> float:
    """The largest absolute value of a drive."""
    return 1.0 if drive is None else max(map(abs, drive.bounds))


def evolve(
    parts: Parts, rho: np.ndarray, times: np.ndarray, error_rate: float
) -> Iterator[np.ndarray]:
    """Density matrices at all times but the first, with errors of at most this rate times the time.

    Raises
    ------
    NumericalFailure
        If no step is short enough.
    """
    # Complex numbers as pairs of real ones, on which the equation is linear too.
    values, shape = rho.ravel().view(float), rho.shape
    time, stop = float(times[0]), float(times[-1])
    propagate, guess = _propagator(parts, RowBlocks(len(values)), stop - time)
    ahead = times[1:].tolist()
    while ahead:
        try:
            step = propagate(time, values, guess, stop, error_rate)
            while ahead and ahead[0] <= step.reached:
                yield step.at(ahead.pop(0)).view(complex).reshape(shape)
            values = step.at(step.reached)
        except NoStep as none:
            raise NumericalFailure(
                f"The exact solver stopped before time {ahead[0]:g}. "
                f"{ResultCode.INTEGRATOR_FAILURE.remedy('exact')}"
            ) from none
        time, guess = step.reached, step.guess


def _propagator(parts: Parts, rows: RowBlocks, span: float) -> tuple[Propagator, float]:
    """The steps of an equation, and the first size to try."""
    derivatives = tuple((drive, _derivative(*operators)) for drive, *operators in parts)
    if len(derivatives) == 1:
        return partial(krylov_step, derivatives[0][1], rows), span
    return DrivenEquation(derivatives, rows).step, FIRST * span


def _derivative(hamiltonian: qutip.Qobj, jumps: list[qutip.Qobj]) -> Derivative:
    """−i[H, ρ] + Σ (LρL† − ½{L†L, ρ}) for a Hermitian ρ."""
    size = hamiltonian.shape[0]
    operators = [jump.data_as("csr_matrix") for jump in jumps]
    drift = -1j * hamiltonian.data_as("csr_matrix")
    for operator in operators:
        drift = drift - operator.conj().T @ operator / 2

    def derivative(values: np.ndarray) -> np.ndarray:
        rho = values.view(complex).reshape(size, size)
        half = drift @ rho
        total = half + half.conj().T
        for operator in operators:
            total += operator @ (operator @ rho).conj().T
        # Taking ρ† for ρ as above, what rounding leaves unlike would grow with the fastest rate.
        total = (total + total.conj().T) / 2
        return np.ascontiguousarray(total).ravel().view(float)

    return derivative
