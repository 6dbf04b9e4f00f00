"""What is measured of parameters: the observables of a system, whether θ evolves or was kept."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from opentdvp.config import Observables, System
from opentdvp.engine.assembly import Parts
from opentdvp.engine.compiled import compiled, key_data, of_key_data, on_host
from opentdvp.engine.functions import Measurement, Vector
from opentdvp.engine.measuring.expectations import Means, expectations
from opentdvp.engine.measuring.given_rest import GivenRest, given_rest
from opentdvp.engine.measuring.observables import Estimate, measure
from opentdvp.engine.sampling.ensemble import Ensemble, Purpose, SamplerState
from opentdvp.physics.model import Model
from opentdvp.physics.observables.derived import Derived
from opentdvp.physics.pauli.strings import Expectations
from opentdvp.physics.spin import AXES

#: The stream of random numbers of the sampler's first state; that of the weights is the key itself.
_SAMPLER = 1

#: θ, the state of the sampler and the plain numbers of a key.
Point = tuple[Vector, dict[str, np.ndarray], np.ndarray]


class Measuring(NamedTuple):
    """The observables of a system as functions of θ.

    Attributes
    ----------
    start
        Those of the product start state, known without samples.
    memory
        Bytes that a device needs.
    measure
        (θ, sampler state, key, time) → observables with standard errors.
    """

    start: Measurement
    memory: int
    measure: Callable[..., Measurement]


def first_point(parts: Parts, key: PRNGKeyArray) -> Point:
    """The product start state, with what the sampler remembers there."""
    state = parts.problem.sampler.init(jax.random.fold_in(key, _SAMPLER))
    return np.asarray(parts.theta), on_host(state), key_data(key)


def compile_measuring(parts: Parts, system: System, point: Point) -> Measuring:
    """Compile for points like this one."""
    derived = Derived(system.observables, parts.model)
    start = _start_values(parts.model, system.observables, derived)
    function = compiled(of_key_data(_estimates(parts, system.observables, derived)), *point)

    def measured(
        theta: Vector, state: dict[str, np.ndarray], key: PRNGKeyArray, time: float
    ) -> Measurement:
        averages, means = on_host(function.function(theta, state, key_data(key)))
        found = averages | _derived(derived, time, means)
        return {name: found[name] for name in start}

    return Measuring(start, function.memory, measured)


def _estimates(
    parts: Parts, observables: Observables, derived: Derived
) -> Callable[..., tuple[Estimate, Means | None]]:
    """Site averages, and expectation values of the strings that all else follows from."""

    def estimates(theta: Array, state: SamplerState, key: PRNGKeyArray) -> Any:
        _, ensemble = parts.problem.sampler.draw(Purpose.OBSERVABLES, theta, state, key)
        rest = None
        if ensemble.counts is not None:
            rest = given_rest(parts.problem.ansatz, parts.problem.parameters(theta))
        averages: Estimate = {}
        if observables.magnetization or observables.correlators:
            averages = measure(ensemble, parts.povm, parts.model.lattice, observables, rest)
        return averages, _means(ensemble, parts, derived, state, rest)

    return estimates


def _means(
    ensemble: Ensemble,
    parts: Parts,
    derived: Derived,
    state: SamplerState,
    rest: GivenRest | None,
) -> Means | None:
    if not derived.strings:
        return None
    chained = ensemble.chain is not None
    independent = len(state["chains"]) if chained else len(ensemble.weights)
    return expectations(ensemble, parts.povm, derived.strings, independent, rest)


def _derived(derived: Derived, time: float, means: np.ndarray | None) -> Measurement:
    """Of the mean over groups of samples, with errors from their spread; of one row without."""
    groups = means if means is not None and len(means) > 1 else None
    values = np.zeros(0) if means is None else means.mean(axis=0)
    estimates = derived.estimates(np.asarray(time), Expectations(values, groups))
    return {name: (e.mean, e.stderr) for name, e in estimates.items()}


def _start_values(model: Model, observables: Observables, derived: Derived) -> Measurement:
    """Of the product start state: nothing is correlated, and nothing uncertain."""
    bloch = dict(zip(AXES, model.bloch.T, strict=True))
    values = {str(a): np.asarray(bloch[a].mean()) for a in observables.magnetization}
    for pair, distances in observables.correlators.items():
        values[f"C_{pair}"] = np.zeros(len(distances))
    products = [np.prod([bloch[letter][i] for i, letter in s]) for s in derived.strings]
    values |= derived.means(0.0, np.array(products))
    return {name: (value, np.zeros_like(value)) for name, value in values.items()}
