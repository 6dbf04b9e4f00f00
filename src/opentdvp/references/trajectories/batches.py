"""Averages over independent trajectories of pure states, in batches that may run anywhere.

A batch is kept as a checkpoint with the expectation values of its finished trajectories, so that
one that was interrupted goes on, and one that was lost is made again alone.
"""

from collections.abc import Iterable
from functools import partial

import numpy as np
from jaxtyping import Float, Int

from opentdvp.config import (
    Deck,
    DephasingSolver,
    Observables,
    StochasticSolver,
    System,
    WaveFunctionSolver,
)
from opentdvp.errors import ConfigError, FileError
from opentdvp.physics.model import Model, build_model
from opentdvp.physics.observables.derived import Derived
from opentdvp.physics.pauli.strings import Estimate, Expectations
from opentdvp.physics.spin import AXES
from opentdvp.protocol import Method, Task, method
from opentdvp.records.checkpoint import State
from opentdvp.records.from_solver import make_trajectory, output_times
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Trajectory
from opentdvp.references.trajectories import dephasing_kicks, wave_functions
from opentdvp.references.trajectories.pure_states import (
    Amplitudes,
    Simulator,
    linear_expectations,
    pure_start,
    string_expectations,
)

#: A trajectory takes seconds to minutes; with kicks of 24 sites, an hour and 2 GiB.
MAXIMAL_SITES = {WaveFunctionSolver: 16, DephasingSolver: 24}


def _check(system: System, solver: StochasticSolver) -> None:
    model = build_model(system)
    largest = MAXIMAL_SITES[type(solver)]
    if model.n_sites > largest:
        raise ConfigError(
            f"`lattice.size` must give at most {largest} sites for trajectories of pure states by "
            f"this method, but gives {model.n_sites}: each would take about "
            f"{2.0 ** (model.n_sites - largest):.4g} times as long."
        )
    pure_start(model)
    if isinstance(solver, DephasingSolver):
        dephasing_kicks.check(model)
    else:
        wave_functions.check(model, len(system.jumps))


@method(StochasticSolver, _check)
def solve(task: Task[StochasticSolver]) -> Trajectory:
    """All trajectories one after the other, and their averages.

    After each of them the report has the share of the last time that is done.
    """
    return gather(task.deck, [_run(range(task.settings.trajectories), task)])


def batch(numbers: range) -> Method[StochasticSolver, State]:
    """The trajectories with these numbers; the same whatever batch they are in."""
    return Method(StochasticSolver, _check, partial(_run, numbers))


def _run(numbers: range, task: Task[StochasticSolver]) -> State:
    deck, settings = task.deck, task.settings
    model, times = build_model(deck.system), output_times(deck)
    expectations = linear_expectations(model.lattice, deck.system.observables)
    strings = Derived(deck.system.observables, model).strings
    simulate = _simulator(model, settings, times)
    state = task.resume_from
    if state is None:
        state = _nothing(len(times), expectations.size + len(strings))

    def values_of(psi: Amplitudes) -> np.ndarray:
        return np.concatenate([expectations.of_state(psi), string_expectations(psi, strings)])

    done = len(state.arrays["numbers"])
    if state.arrays["numbers"].tolist() != list(numbers[:done]):
        raise FileError("Cannot resume: the checkpoint must be of the same batch, but is not.")
    for count, number in enumerate(numbers[done:], start=done + 1):
        random = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(number,)))
        values = np.array([values_of(psi) for psi in simulate(random)])
        arrays = {
            "numbers": np.append(state.arrays["numbers"], number),
            "values": np.concatenate([state.arrays["values"], values[None]]),
        }
        state = State(float(times[-1]) * count / len(numbers), 0.0, arrays)
        task.keep(state)
        task.report(state.time)
    return state


def _simulator(model: Model, settings: StochasticSolver, times: np.ndarray) -> Simulator:
    if isinstance(settings, DephasingSolver):
        return dephasing_kicks.simulator(model, settings, times)
    if isinstance(settings, WaveFunctionSolver):
        return wave_functions.simulator(model, settings, times)
    raise TypeError(f"There are no trajectories for a {type(settings).__name__}.")


def gather(deck: Deck, states: Iterable[State]) -> Trajectory:
    """Averages of all trajectories of some batches, with standard errors by the jackknife.

    A connected correlator is not linear in the averages: its estimate is that without the bias of
    first order, nθ − (n − 1)·mean of θ_k, where θ_k leaves out trajectory k (Quenouille).

    Where all n wave functions are alike, the jackknife finds no error, though a jump that is rarer
    than 1/n would not be among them. If they differ by less than 1/n of what it changes, that is
    added in quadrature, and so are the tolerances, at all times after 0.
    """
    numbers, every = _joined(states)
    _check_numbers(deck, numbers)
    model, observables = build_model(deck.system), deck.system.observables
    expectations = linear_expectations(model.lattice, observables)
    values, of_strings = np.split(every, [expectations.size], axis=2)
    count = len(numbers)
    total = values.sum(axis=0)
    whole = expectations.averages(total / count)
    # Leaving out one at a time; trajectories come first, times second.
    without = expectations.averages((total - values) / (count - 1))
    later = output_times(deck) > 0
    outputs = {}
    for name, estimates in without.items():
        mean = estimates.mean(axis=0)
        outputs[name] = count * whole[name] - (count - 1) * mean
        spread = np.sum((estimates - mean) ** 2, axis=0)
        squares = (count - 1) / count * spread
        if isinstance(deck.solver, WaveFunctionSolver):
            unseen = (_largest_flip(name, model, observables) / count) ** 2
            tolerance = deck.solver.relative_tolerance + deck.solver.absolute_tolerance
            squares[later] += tolerance**2 + unseen * (count * squares[later] < unseen)
        outputs[f"{name}.stderr"] = np.sqrt(squares)
    derived = _derived(deck, model, of_strings)
    records = tuple(
        {name: column[k] for name, column in outputs.items()} | derived[k]
        for k in range(values.shape[1])
    )
    trajectories = tuple({"trajectory": np.array(number)} for number in numbers)
    return make_trajectory(deck, records, trajectories, "cpu", ResultCode.SUCCESS)


def _derived(
    deck: Deck, model: Model, values: Float[np.ndarray, "n times strings"]
) -> list[dict[str, np.ndarray]]:
    """What follows from Pauli strings, by time, with errors as above."""
    observables = Derived(deck.system.observables, model)
    found = []
    for k, time in enumerate(map(np.asarray, output_times(deck))):
        groups = values[:, k]
        estimates = observables.estimates(time, Expectations(groups.mean(axis=0), groups))
        if isinstance(deck.solver, WaveFunctionSolver) and time > 0:
            estimates = _widened(estimates, observables, time, groups, deck.solver)
        means = {name: estimate.mean for name, estimate in estimates.items()}
        errors = {f"{name}.stderr": estimate.stderr for name, estimate in estimates.items()}
        found.append(means | errors)
    return found


def _widened(
    estimates: dict[str, Estimate],
    observables: Derived,
    time: np.ndarray,
    groups: Float[np.ndarray, "n strings"],
    solver: WaveFunctionSolver,
) -> dict[str, Estimate]:
    """With what is not seen, and with the tolerances: a jump turns a string by up to 2."""
    count, mean = len(groups), groups.mean(axis=0)

    def by_all(error: float) -> dict[str, Estimate]:
        return observables.estimates(time, Expectations(mean, errors=np.full_like(mean, error)))

    tolerance = solver.relative_tolerance + solver.absolute_tolerance
    unseen, stated = by_all(2 / count), by_all(tolerance)
    found = {}
    for name, (value, error) in estimates.items():
        rare = unseen[name].stderr * (count * error**2 < unseen[name].stderr ** 2)
        found[name] = Estimate(value, np.sqrt(error**2 + stated[name].stderr ** 2 + rare**2))
    return found


def _largest_flip(name: str, model: Model, observables: Observables) -> np.ndarray:
    """By how much a jump changes a site average; each of its spins is in up to two pairs."""
    flipped = max((len(jump.support) for jump in model.jumps), default=1)
    if name in AXES:
        return np.array(2 * flipped / model.n_sites)
    distances = observables.correlators[name.removeprefix("C_")]
    pairs = [len(model.lattice.pairs(distance)) for distance in distances]
    return np.array([min(2, 4 * flipped / count) for count in pairs])


def _joined(
    states: Iterable[State],
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, "n times values"]]:
    """All trajectories in the order of their numbers, so that sums do not depend on batches."""
    batches = [state.arrays for state in states]
    numbers = np.concatenate([batch["numbers"] for batch in batches])
    if len(np.unique(numbers)) != len(numbers) or len(numbers) < 2:
        raise FileError(
            "Batches must hold at least two trajectories, each once, but hold "
            f"{len(np.unique(numbers))} in {len(numbers)}."
        )
    order = np.argsort(numbers)
    return numbers[order], np.concatenate([batch["values"] for batch in batches])[order]


def _check_numbers(deck: Deck, numbers: Int[np.ndarray, " n"]) -> None:
    """Refuse trajectories beyond those of the deck: a batch may be of one that has more."""
    assert isinstance(deck.solver, StochasticSolver)
    count = deck.solver.trajectories
    if numbers[-1] >= count:
        raise FileError(
            f"Batches must hold trajectories with numbers in 0…{count - 1}, but hold number "
            f"{numbers[-1]}; compute the last one again, or set more `trajectories`."
        )


def _nothing(times: int, size: int) -> State:
    arrays = {"numbers": np.zeros(0, dtype=int), "values": np.zeros((0, times, size))}
    return State(0.0, 0.0, arrays)
