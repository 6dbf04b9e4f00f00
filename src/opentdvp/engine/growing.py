"""Strings that are added during a run: how many, which ones, and since when they are there."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from opentdvp.config.networks import Growth
from opentdvp.engine.compiled import compiled, shapes_of
from opentdvp.engine.estimates.estimator import Factors
from opentdvp.engine.principle import growth
from opentdvp.engine.principle.right_hand_side import Problem
from opentdvp.engine.sampling.ensemble import Ensemble

#: At least so many strings are added at a time, or this share of those that are there.
_FEW, _SHARE = 4, 0.1

Times = Float[np.ndarray, " P"]


class Growing(NamedTuple):
    """Rules and compiled functions of a run whose strings grow.

    Attributes
    ----------
    first
        The strings that a run begins with: 0, and NaN for the others.
    memory
        Bytes that the largest of the functions needs on a device while it runs.
    restrict
        (ensemble, numbers of strings) → the ensemble with their log-derivatives.
    gains
        (θ, ensemble, factors) → by how much each other string lowers the residual.
    """

    settings: Growth
    first: Times
    memory: int
    restrict: Callable[..., Ensemble]
    gains: Callable[..., Float[np.ndarray, " P"]]

    def numbers(self, added_at: Times) -> Int[np.ndarray, " strings"]:
        """Those that are there, and that of none in place of those that may still come."""
        there = np.flatnonzero(~np.isnan(added_at))
        missing = self.settings.strings - len(there)
        return np.pad(there, (0, missing), constant_values=len(added_at)).astype(np.int32)

    def asks_for_more(self, added_at: Times, residual: float) -> bool:
        """Whether the residual is too large, and may still be lowered."""
        there = np.count_nonzero(~np.isnan(added_at))
        return bool(there < self.settings.strings) and residual > self.settings.residual

    def with_more(self, added_at: Times, gains: Float[np.ndarray, " P"], time: float) -> Times:
        """With the strings of the largest gains; as they are if none gains anything."""
        there = np.count_nonzero(~np.isnan(added_at))
        most = min(max(_FEW, int(_SHARE * there)), self.settings.strings - there)
        best = np.argsort(-gains, kind="stable")[:most]
        more = added_at.copy()
        more[best[gains[best] > 0]] = time
        return more


def compile_growing(
    settings: Growth,
    first: Times,
    problem: Problem,
    drawn: Ensemble,
    factors: Factors = None,
) -> tuple[Growing, Ensemble]:
    """Compile for ensembles as the sampler draws them; with what restricted ones look like.

    The factors are those of drives at any time.
    """
    theta, numbers = np.zeros(len(first)), np.zeros(settings.strings, dtype=np.int32)
    of_some = partial(growth.restricted, problem)
    restrict = compiled(of_some, drawn, numbers)
    known = shapes_of(of_some, drawn, numbers)
    gains = compiled(partial(growth.gains, problem), theta, known, factors)

    def restricted(ensemble: Ensemble, numbers: np.ndarray) -> Ensemble:
        bare = ensemble._replace(log_derivatives=None, parameters=None)
        result: Ensemble = restrict.function(bare, numbers)
        return result

    def gained(theta: np.ndarray, ensemble: Ensemble, factors: Factors = None) -> np.ndarray:
        return np.asarray(gains.function(theta, ensemble, factors))

    memory = max(restrict.memory, gains.memory)
    return Growing(settings, first, memory, restricted, gained), known
