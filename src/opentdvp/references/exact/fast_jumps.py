"""The Lindblad equation in steps that fast jumps, couplings and fields do not shorten."""

from collections.abc import Callable, Iterator

import numpy as np
import qutip

from opentdvp.errors import NumericalFailure
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.row_blocks import RowBlocks
from opentdvp.records.result_code import ResultCode
from opentdvp.references.exact.krylov import advance, build_space, longest_step

#: A jump is fast if its rate is so many times the strongest term of H and the inverse of the time;
#: anything is that happens so many times.
_RATIO, _TIMES = 20.0, 1e4


def is_fast(model: Model, stop: float) -> bool:
    """Whether a multistep integrator would follow the model badly, or take very long."""
    strongest = max((abs(term.strength) for term in model.terms), default=0.0)
    fastest = max((jump.speed for jump in model.jumps), default=0.0)
    stiff = fastest > _RATIO * max(strongest, 1 / stop)
    return stiff or max(fastest, strongest) * stop > _TIMES


def evolve(
    hamiltonian: qutip.Qobj,
    jumps: list[qutip.Qobj],
    rho: np.ndarray,
    times: np.ndarray,
    error_rate: float,
) -> Iterator[np.ndarray]:
    """Density matrices at all times but the first, with errors of at most this rate times the time.

    Raises
    ------
    NumericalFailure
        If no step is short enough.
    """
    derivative = _derivative(hamiltonian, jumps)
    # Complex numbers as pairs of real ones, on which the equation is linear too.
    values, shape = rho.ravel().view(float), rho.shape
    rows = RowBlocks(len(values))
    time, step = float(times[0]), float(times[-1] - times[0])
    ahead = times[1:].tolist()
    while ahead:
        space = build_space(derivative, values, rows)
        remaining = float(times[-1]) - time
        step = longest_step(space, step, remaining, error_rate)
        if step == 0:
            raise NumericalFailure(
                f"The exact solver stopped before time {ahead[0]:g}. "
                f"{ResultCode.INTEGRATOR_FAILURE.remedy('exact')}"
            )
        reached = float(times[-1]) if step == remaining else time + step
        while ahead and ahead[0] <= reached:
            found = advance(space, ahead.pop(0) - time, rows)
            yield found.view(complex).reshape(shape)
        values, time = advance(space, step, rows), reached


def _derivative(
    hamiltonian: qutip.Qobj, jumps: list[qutip.Qobj]
) -> Callable[[np.ndarray], np.ndarray]:
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
