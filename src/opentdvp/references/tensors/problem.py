"""A system as a chain of tensors, what is measured of it, and its three evolutions."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from opentdvp.config import Deck, Observables, TensorNetworkSolver
from opentdvp.config.strengths import Drive
from opentdvp.physics.model import Model, build_model
from opentdvp.physics.observables.derived import Derived
from opentdvp.protocol import LARGEST_KEPT
from opentdvp.references.tensors.averages import Measurement, measure
from opentdvp.references.tensors.environments import build_environments
from opentdvp.references.tensors.evolution import Accuracy, Tensors
from opentdvp.references.tensors.layout import find_layout
from opentdvp.references.tensors.rows import largest_row
from opentdvp.references.tensors.space import (
    Chain,
    Space,
    amplitudes,
    build_chain,
    pauli_expectations,
)
from opentdvp.references.tensors.strings import string_expectations
from opentdvp.references.time_steps import Steps, stretches

#: Half the bond dimension with twice the time step, half the bond dimension, what is asked for.
EVOLUTIONS = ("coarse", "half", "asked")

#: Time steps to the next output, equal between milestones.
Stretch = tuple[Steps, ...]


class Problem(NamedTuple):
    """What stays the same during a run; `keeps` if its tensors are kept at the output times."""

    chain: Chain
    measure: Callable[[float, Tensors], Measurement]
    keeps: bool


def assemble(deck: Deck, solver: TensorNetworkSolver) -> Problem:
    """The chain of a deck, and what measures its tensors."""
    model = build_model(deck.system)
    chain = _chain(model, solver)
    measured = _measurement(chain, model, deck.system.observables)
    return Problem(chain, measured, kept_size(deck) <= LARGEST_KEPT)


def kept_size(deck: Deck) -> int:
    """Bytes of the tensors of all evolutions of a deck, at most."""
    solver = deck.solver
    assert isinstance(solver, TensorNetworkSolver)
    chain = _chain(build_model(deck.system), solver)
    bonds = (half_of(solver), half_of(solver), solver.bond_dimension)
    return sum(largest_row(chain, bond) for bond in bonds)


def half_of(solver: TensorNetworkSolver) -> int:
    """The bond dimension of the evolutions that show the errors."""
    return (solver.bond_dimension + 1) // 2


def space_of(model: Model, solver: TensorNetworkSolver) -> Space:
    """What the tensors hold."""
    return amplitudes(model) if solver.method == "mps" else pauli_expectations(model)


def evolutions(
    solver: TensorNetworkSolver, drives: tuple[Drive, ...], times: np.ndarray, start: float = 0.0
) -> tuple[tuple[Accuracy, list[Stretch]], ...]:
    """Accuracy, and steps from `start` to each time, in the order of `EVOLUTIONS`."""
    coarse = stretches(drives, times, 2 * solver.time_step, start)
    fine = [tuple(steps.halved() for steps in stretch) for stretch in coarse]
    half = half_of(solver)
    settings = ((half, coarse), (half, fine), (solver.bond_dimension, fine))
    cutoff, order = solver.singular_value_cutoff, solver.order
    return tuple((Accuracy(b, cutoff, order), steps) for b, steps in settings)


def _chain(model: Model, solver: TensorNetworkSolver) -> Chain:
    return build_chain(find_layout(model, solver.chain), space_of(model, solver))


def _measurement(
    chain: Chain, model: Model, observables: Observables
) -> Callable[[float, Tensors], Measurement]:
    """Every configured observable of tensors at a time."""
    derived = Derived(observables, model)

    def measured(time: float, tensors: Tensors) -> Measurement:
        averages, trace = measure(chain, tensors, model.lattice, observables)
        environments = build_environments(chain, tensors)
        values = string_expectations(chain, environments, derived.strings, model.n_sites)
        return Measurement(averages | derived.means(time, values), trace)

    return measured
