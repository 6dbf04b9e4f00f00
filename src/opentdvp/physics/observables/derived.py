"""The observables of a run from expectation values of Pauli strings, with errors.

Every solver gives the expectation values of `Derived.strings`; all else is done here.
"""

from functools import partial

import numpy as np
from jaxtyping import Float, Int

from opentdvp.config import Observables
from opentdvp.physics.model import Model
from opentdvp.physics.observables.quantities import ONE, ZERO, Quantity, quantities
from opentdvp.physics.pauli.strings import Estimate, Expectations, PauliString, jackknife


class Derived:
    """All observables of a system but the site averages.

    Attributes
    ----------
    strings
        The Pauli strings whose expectation values are needed, each once, without the identity.
    """

    def __init__(self, observables: Observables, model: Model) -> None:
        self._parts = quantities(observables, model)
        labels = observables.labels(model.lattice)
        self._shapes = {name: tuple(map(len, axes.values())) for name, axes in labels.items()}
        wanted = (
            string
            for parts in self._parts.values()
            for part in parts
            for entry in part.entries
            for string in entry
        )
        self.strings: tuple[PauliString, ...] = tuple(dict.fromkeys(filter(None, wanted)))
        # Behind the values of the strings are a 1 and a 0.
        place = {string: k for k, string in enumerate((*self.strings, ONE, ZERO))}
        self._places = {
            name: [np.array([[place[s] for s in e] for e in part.entries]) for part in parts]
            for name, parts in self._parts.items()
        }

    def estimates(
        self, times: Float[np.ndarray, "*times"], expectations: Expectations
    ) -> dict[str, Estimate]:
        """Mean and standard error of every observable, at these times.

        Parameters
        ----------
        times
            Those of the expectation values, for what depends on the time: any shape, () too.
        expectations
            Of all `strings`, in their order.
        """
        completed = _completed(expectations)
        found = {}
        for name in self._parts:
            estimate = jackknife(partial(self._outputs, name, times), completed)
            stderr = estimate.stderr
            if completed.errors is not None:
                stated = self._propagated(name, times, completed.values, completed.errors)
                stderr = np.hypot(stderr, stated)
            shape = (*np.shape(times), *self._shapes[name])
            found[name] = Estimate(estimate.mean.reshape(shape), stderr.reshape(shape))
        return found

    def means(
        self, time: float, values: Float[np.ndarray, " strings"]
    ) -> dict[str, Float[np.ndarray, "..."]]:
        """Every observable at one time, of values without errors."""
        estimates = self.estimates(np.array(time), Expectations(values))
        return {name: estimate.mean for name, estimate in estimates.items()}

    def _outputs(
        self, name: str, times: np.ndarray, values: Float[np.ndarray, "*times n strings"]
    ) -> Float[np.ndarray, "*times n outputs"]:
        found = [
            _weighted(part, times, part.function(values[..., places]))
            for part, places in zip(self._parts[name], self._places[name], strict=True)
        ]
        return np.concatenate(found, axis=-1)

    def _propagated(
        self, name: str, times: np.ndarray, values: np.ndarray, errors: np.ndarray
    ) -> Float[np.ndarray, "*times outputs"]:
        """By how much an observable changes with every string by its error, all added."""
        found = []
        for part, places in zip(self._parts[name], self._places[name], strict=True):
            changes = _changes(part, places, values, errors)[..., None, :]
            found.append(_weighted(part, times, changes, absolute=True)[..., 0, :])
        return np.concatenate(found, axis=-1)


def _completed(expectations: Expectations) -> Expectations:
    """With the values of `ONE` and `ZERO`, which have no errors."""
    values, groups, errors = expectations
    return Expectations(
        _with_last(values, (1.0, 0.0)),
        None if groups is None else _with_last(groups, (1.0, 0.0)),
        None if errors is None else _with_last(errors, (0.0, 0.0)),
    )


def _with_last(values: np.ndarray, last: tuple[float, float]) -> np.ndarray:
    return np.concatenate([values, np.broadcast_to(last, (*values.shape[:-1], 2))], axis=-1)


def _changes(
    part: Quantity, places: Int[np.ndarray, "entries k"], values: np.ndarray, errors: np.ndarray
) -> Float[np.ndarray, "*times entries"]:
    given, wrong = values[..., places], errors[..., places]
    before = part.function(given)
    total = np.zeros_like(before)
    for k in range(places.shape[1]):
        moved = given.copy()
        moved[..., k] += wrong[..., k]
        total += np.abs(part.function(moved) - before)
    return total


def _weighted(
    part: Quantity,
    times: np.ndarray,
    entries: Float[np.ndarray, "*times n entries"],
    absolute: bool = False,
) -> Float[np.ndarray, "*times n outputs"]:
    """Σ_e w_oe(t) of the entries, or |w_oe(t)|."""
    if not part.weights:
        return entries
    total = np.zeros((*np.shape(times), *next(iter(part.weights))[1].shape))
    for drive, weights in part.weights:
        factor = np.ones_like(times) if drive is None else np.vectorize(drive)(times)
        total = total + np.asarray(factor, dtype=float)[..., None, None] * weights
    if absolute:
        total = np.abs(total)
    return np.einsum("...ne,...oe->...no", entries, total)
