"""What every solver is: called with a deck, it refuses what does not fit, then solves it.

This is the one place that says what callers give and get. A solver adds its settings, its check and
its physics, as a function of a `Task` with the decorator `method`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from opentdvp.config import Deck, System
from opentdvp.errors import ConfigError
from opentdvp.records.checkpoint import State
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Trajectory

Settings = TypeVar("Settings")
Result = TypeVar("Result")

#: Given the state of a run after every step, or now and then, to write checkpoints.
Keep = Callable[[State], None]

#: Most bytes that a reference keeps of its state at each output time; larger ones are left out.
LARGEST_KEPT = 2 * 2**20


@runtime_checkable
class Report(Protocol):
    """Told how far a run has come, after every step or output time."""

    def __call__(self, time: float, **values: float) -> None:
        """Simulated time, or the share of the last one that is done; and what is worth seeing."""
        ...


def show_nothing(time: float, **values: float) -> None:
    """A report that is not shown."""


def keep_nothing(state: State) -> None:
    """A state that is not kept."""


@dataclass(frozen=True)
class Task(Generic[Settings]):
    """What a solver is asked to do, once it is known to fit.

    Attributes
    ----------
    deck, settings
        What to solve, and how: the settings are those in the deck, of the solver's own type.
    report, resume_from, keep
        As they were given to the `Method`.
    """

    deck: Deck
    settings: Settings
    report: Report
    resume_from: State | None
    keep: Keep

    def follow(
        self,
        steps: Iterable[State | ResultCode],
        state: State,
        worth_seeing: Callable[[State], dict[str, float]],
    ) -> tuple[State, ResultCode]:
        """Keep and report every state after `state`; the last one, and how the steps ended."""
        for advanced in steps:
            if isinstance(advanced, ResultCode):
                return state, advanced
            state = advanced
            self.keep(state)
            self.report(state.time, **worth_seeing(state))
        return state, ResultCode.SUCCESS


class Method(Generic[Settings, Result]):
    """A way to solve all decks with settings of one type.

    The result is a trajectory, up to the last time or to where its result code says that the run
    had to stop; of a part of a run, a state.
    """

    def __init__(
        self,
        settings: type[Settings],
        check: Callable[[System, Settings], None],
        solve: Callable[[Task[Settings]], Result],
    ) -> None:
        self.__doc__ = solve.__doc__
        self._type = settings
        self._check = check
        self._solve = solve

    def check(self, deck: Deck) -> None:
        """Raise `ConfigError` if the solver cannot solve the system, before any work is done."""
        self._check(deck.system, self.settings(deck))

    def settings(self, deck: Deck) -> Settings:
        """The settings in a deck; raises `TypeError` if they are of another solver."""
        if not isinstance(deck.solver, self._type):
            raise TypeError(
                f"`deck.solver` must be of the type {self._type.__name__}, but is of "
                f"{type(deck.solver).__name__}."
            )
        return deck.solver

    def __call__(
        self,
        deck: Deck,
        report: Report = show_nothing,
        resume_from: State | None = None,
        keep: Keep = keep_nothing,
    ) -> Result:
        """Check a deck, and solve it from the product start state to the last time.

        Parameters
        ----------
        deck
            A system, and settings of this solver.
        report
            Told how far the run has come.
        resume_from
            State of the same run to go on from; the result equals that of the uninterrupted run
            bit for bit.
        keep
            Given states that the run can go on from.

        Raises
        ------
        ConfigError
            If the solver cannot solve the system, or the deck is that of a measurement.
        FileError
            If the state to go on from is not one of this run.
        NumericalFailure
            If the solver fails so that there is nothing to return.
        """
        if deck.measured_from is not None:
            raise ConfigError(
                "`deck.measured_from` must be left out of what is solved, but is "
                f"{deck.measured_from[:12]}; use `opentdvp measure` with the run of that id."
            )
        self.check(deck)
        return self._solve(Task(deck, self.settings(deck), report, resume_from, keep))


def method(
    settings: type[Settings], check: Callable[[System, Settings], None]
) -> Callable[[Callable[[Task[Settings]], Result]], Method[Settings, Result]]:
    """Make a function of a task a solver for these settings; `check` raises `ConfigError`."""
    return lambda solve: Method(settings, check, solve)


class Measuring:
    """Makes the observables of a deck from the states that a trajectory of its method has kept."""

    def __init__(
        self,
        measure: Callable[[Deck, Trajectory, Report], Trajectory],
        size: Callable[[Deck], int] | None,
    ) -> None:
        self.__doc__ = measure.__doc__
        self._measure = measure
        self._size = size

    def keeps(self, deck: Deck) -> bool:
        """Whether a run of this deck keeps its states, which may be too large for that."""
        return self._size is None or self._size(deck) <= LARGEST_KEPT

    def check(self, deck: Deck) -> None:
        """Raise `ConfigError` unless runs of a deck, or of that which it measures, keep states."""
        if not self.keeps(deck):
            assert self._size is not None
            raise ConfigError(
                f"`lattice.size` must leave states of at most {LARGEST_KEPT / 2**20:g} MiB at each "
                f"time for runs of {deck.solver.method} to keep them, but leaves "
                f"{self._size(deck) / 2**20:.3g}; solve the system anew with the observables that "
                "you want."
            )

    def __call__(
        self, deck: Deck, evolution: Trajectory, report: Report = show_nothing
    ) -> Trajectory:
        """Measure an evolution; the deck's times are among the evolution's, or between them.

        Raises
        ------
        ConfigError
            If runs of this size keep no states, or the deck is not one of the method.
        FileError
            If the evolution has kept none, or others than its deck says.
        NumericalFailure
            If what is kept cannot be measured.
        """
        self.check(deck)
        return self._measure(deck, evolution, report)


def measuring(
    size: Callable[[Deck], int] | None = None,
) -> Callable[[Callable[[Deck, Trajectory, Report], Trajectory]], Measuring]:
    """Make a function what measures kept states; without their size in bytes they always are."""
    return lambda measure: Measuring(measure, size)


class Forecast(NamedTuple):
    """What a run is expected to take.

    Attributes
    ----------
    steps
        Of its integrator; None where it has none that are known before.
    seconds
        On this machine, with nothing beside it.
    """

    steps: int | None
    seconds: float
