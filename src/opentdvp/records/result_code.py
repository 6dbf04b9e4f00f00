"""Result codes of runs, each with what to do about it."""

from enum import StrEnum


class ResultCode(StrEnum):
    """How a run ended; stored in its file, and anything but success is refused by comparisons."""

    SUCCESS = "success"
    NOT_FINITE = "not_finite"
    STEP_SIZE_COLLAPSE = "step_size_collapse"
    PROBABILITY_DRIFT = "probability_drift"
    INTEGRATOR_FAILURE = "integrator_failure"
    DIVERGENCE = "divergence"

    def remedy(self, method: str) -> str:
        """What went wrong in a run of this solver method, and what usually helps."""
        return _OTHERS.get(method, {}).get(self, _REMEDIES[self])


_REMEDIES = {
    ResultCode.SUCCESS: "The run reached its last time.",
    ResultCode.NOT_FINITE: (
        "A NaN or an infinity appeared; use smaller rates, couplings and fields."
    ),
    ResultCode.STEP_SIZE_COLLAPSE: "The step became too small; use larger tolerances.",
    ResultCode.PROBABILITY_DRIFT: (
        "Probability was not conserved; use tighter relative_tolerance and absolute_tolerance, or "
        "smaller rates, couplings and fields."
    ),
    ResultCode.INTEGRATOR_FAILURE: (
        "No step keeps to the tolerances, or rounding alone is beyond them; use a larger "
        "relative_tolerance, or smaller rates, couplings and fields."
    ),
    ResultCode.DIVERGENCE: (
        "A moment is larger than that of any state: the hierarchy does not hold with this cut; use "
        "another weight or range, or an earlier last time."
    ),
}

_NETWORK = {
    ResultCode.NOT_FINITE: (
        "A NaN or an infinity appeared; use a smaller initial_step or larger regularization "
        "cutoffs."
    ),
    ResultCode.STEP_SIZE_COLLAPSE: (
        "The step fell below minimal_step; use more samples, larger regularization cutoffs or a "
        "larger fisher_tolerance."
    ),
    ResultCode.PROBABILITY_DRIFT: (
        "Probability was not conserved within drift_limit; use more samples, or tighter tolerances."
    ),
}

_TENSORS = {
    ResultCode.NOT_FINITE: "A NaN or an infinity appeared; use a smaller time_step.",
    ResultCode.INTEGRATOR_FAILURE: "The tensors could not be evolved; use a smaller time_step.",
}

# By method, where it has other keys.
_OTHERS = {"tdvp": _NETWORK, "mps": _TENSORS, "mpo": _TENSORS}
