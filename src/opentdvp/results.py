"""Result codes of runs, each with what to do about it."""

from enum import StrEnum


class ResultCode(StrEnum):
    """How a run ended; stored in its file, and anything but success is refused by comparisons."""

    SUCCESS = "success"
    NOT_FINITE = "not_finite"
    STEP_SIZE_COLLAPSE = "step_size_collapse"
    PROBABILITY_DRIFT = "probability_drift"

    @property
    def remedy(self) -> str:
        """What went wrong and what usually helps."""
        return _REMEDIES[self]


_REMEDIES = {
    ResultCode.SUCCESS: "The run reached its last time.",
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
