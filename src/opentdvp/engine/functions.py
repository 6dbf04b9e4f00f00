"""What a run calls: a few pure functions of parameters, samples and keys."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float

from opentdvp.config.strengths import Drive
from opentdvp.engine.estimates.estimator import Factors
from opentdvp.engine.growing import Growing
from opentdvp.engine.principle.integrator import Norm, fisher_norm, row_norm
from opentdvp.engine.principle.normal_equations import Damped
from opentdvp.engine.sampling.ensemble import Ensemble

Vector = Float[np.ndarray, " P"]

#: Observables with standard errors.
Measurement = dict[str, tuple[np.ndarray, np.ndarray]]


class RightHandSide(NamedTuple):
    """A `Solution` in NumPy but for the matrix, which few right-hand sides are asked for.

    Attributes
    ----------
    parameters
        Those of the matrix, where it is not of all: their numbers, or one of none.
    """

    velocity: Vector
    fisher: Array | np.ndarray | None
    rows: Array | np.ndarray | None
    diagnostics: dict[str, np.ndarray]
    damped: Damped | None = None
    parameters: np.ndarray | None = None

    @property
    def norm(self) -> Norm:
        """The Fisher norm, in which a step from here is measured."""
        if self.fisher is None:
            measured = row_norm(np.asarray(self.rows))
        else:
            measured = fisher_norm(np.asarray(self.fisher))
        numbers = self.parameters
        if numbers is None:
            return measured
        return lambda delta: measured(np.append(delta, 0.0)[numbers])


class Engine(NamedTuple):
    """Pure functions of parameters and key, compiled for all devices; arrays are NumPy's.

    Attributes
    ----------
    theta
        Parameters of the product start state.
    sampler_state
        What the sampler remembers at the product start state.
    start
        Observables of the product start state, known without samples.
    fastest_rate
        Largest entry of the generator of a group of sites at any time.
    memory
        Bytes that the largest of the functions needs on a device while it runs.
    draw
        (θ, sampler state, key) → sampler state, and an ensemble for the solve, on the devices.
    derivative
        (θ, ensemble, factors) → right-hand side with its Fisher matrix and diagnostics.
    later
        (θ, ensemble, right-hand side at the start of the step, factors) → θ̇ at a later stage of it.
    monitor
        (θ, θ̇, sampler state, key, factors) → residual on samples that the solve has not seen,
        positivity.
    measure
        (θ, sampler state, key, time) → observables with standard errors.
    growing
        How strings are added, if they are; the right-hand side then needs a restricted ensemble.
    drives
        Functions of the time that parts of the generator are multiplied by. What depends on the
        time is given their factors, or None where there are none.
    """

    theta: Vector
    sampler_state: dict[str, np.ndarray]
    start: Measurement
    fastest_rate: float
    memory: int
    draw: Callable[..., tuple[dict[str, np.ndarray], Ensemble]]
    derivative: Callable[..., RightHandSide]
    later: Callable[..., Vector]
    monitor: Callable[..., dict[str, np.ndarray]]
    measure: Callable[..., Measurement]
    growing: Growing | None = None
    drives: tuple[Drive, ...] = ()

    def factors(self, time: float) -> Factors:
        """Those of the drives at a time."""
        return np.array([drive(time) for drive in self.drives]) if self.drives else None

    @property
    def milestones(self) -> list[float]:
        """Times that no step goes over."""
        return sorted({time for drive in self.drives for time in drive.milestones})
