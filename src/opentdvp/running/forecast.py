"""What runs will take on this machine, from short timings; each in a process of its own."""

import multiprocessing
import pkgutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from time import monotonic

from opentdvp.config import Deck
from opentdvp.protocol import Forecast
from opentdvp.records.estimates import Estimate
from opentdvp.records.memory import peak_memory
from opentdvp.records.timing import processors
from opentdvp.running.solvers import check, have_process, method_of

#: By the key `method`: what knows more than the beginning of a run tells.
FORECASTS = {
    "tdvp": "opentdvp.engine.forecast:forecast",
    "mps": "opentdvp.references.tensors.forecast:forecast",
    "mpo": "opentdvp.references.tensors.forecast:forecast",
}

#: Seconds of the beginning of other runs.
_BEGINNING = 10.0


class _Enough(Exception):
    """The beginning of a run was long enough."""


class _Clock:
    """A report that ends a run when its beginning is known, and says how long all of it takes."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._told: list[tuple[float, float]] = []

    def __call__(self, time: float, **values: float) -> None:
        now = monotonic() - self._began
        self._told.append((time, now))
        if now > _BEGINNING and time > self._told[0][0]:
            raise _Enough

    def whole(self, last: float) -> float:
        """Seconds up to the last time, as if all of it went as the beginning did."""
        (first, before), (reached, now) = self._told[0], self._told[-1]
        return before + (now - before) * (last - first) / (reached - first)


def forecasts(decks: Iterable[Deck]) -> Iterator[Estimate]:
    """What each of these decks will take, one after the other.

    A run of independent trajectories is one after the other too; whatever else goes on beside a run
    makes it longer.

    Raises
    ------
    ConfigError
        If a solver does not fit its system.
    """
    context = multiprocessing.get_context("spawn")
    for deck in decks:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            yield pool.submit(_expected, deck).result()


def _expected(deck: Deck) -> Estimate:
    check(deck)
    have_process(deck)
    method = deck.solver.method
    known = FORECASTS.get(method)
    found = _beginning(deck) if known is None else pkgutil.resolve_name(known)(deck)
    memory = round(peak_memory() / 2**20)
    return Estimate(found.steps, found.seconds, memory, processors())


def _beginning(deck: Deck) -> Forecast:
    """From the first seconds of the run itself."""
    began, clock = monotonic(), _Clock()
    try:
        method_of(deck)(deck, clock)
    except _Enough:
        return Forecast(None, clock.whole(deck.system.time.last))
    return Forecast(None, monotonic() - began)
