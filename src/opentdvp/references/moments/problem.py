"""The hierarchy with three cuts side by side, and what is observed and kept of it."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from opentdvp.config import Deck, MomentsSolver, Observables
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import build_model
from opentdvp.physics.observables.derived import Derived
from opentdvp.physics.pauli.cut_orbits import estimated_orbits
from opentdvp.physics.pauli.cuts import Cut
from opentdvp.physics.pauli.symmetries import automorphisms, half_turns
from opentdvp.protocol import LARGEST_KEPT
from opentdvp.records.checkpoint import State
from opentdvp.records.from_solver import STATE, output_times
from opentdvp.references.moments.evolutions import Evolution, build_evolution, start, unpacked
from opentdvp.references.moments.hierarchy import Hierarchy
from opentdvp.references.moments.observables import at_the_cut, measure, string_expectations
from opentdvp.references.moments.points import Tolerances

#: The evolution with the cut that is asked for.
ASKED = "asked"


class Problem(NamedTuple):
    """What stays the same during a run; `keeps` if its moments are kept at the output times."""

    lattice: Lattice
    evolutions: dict[str, Evolution]
    observables: Observables
    derived: Derived
    edges: dict[str, np.ndarray]
    keeps: bool

    def record(self, state: State) -> State:
        """The state with what is observed at its time."""
        points = unpacked(state)
        found, lighter, narrower = (
            self._measured(state.time, points[name].values, evolution.hierarchy)
            for name, evolution in self.evolutions.items()
        )
        by_weight = {name: np.abs(mean - lighter[name]) for name, mean in found.items()}
        by_range = {name: np.abs(mean - narrower[name]) for name, mean in found.items()}
        errors = {f"{name}.stderr": np.maximum(by_weight[name], by_range[name]) for name in found}
        sizes = np.abs(points[ASKED].values)
        record = {
            "time": np.array(state.time),
            "weight_error": np.max([np.max(error) for error in by_weight.values()]),
            "range_error": np.max([np.max(error) for error in by_range.values()]),
            **{f"largest_at_{edge}": sizes[at].max(initial=0.0) for edge, at in self.edges.items()},
        }
        kept = {STATE + name: point.values for name, point in points.items() if self.keeps}
        return replace(
            state,
            outputs=(*state.outputs, {**found, **errors, **kept}),
            diagnostics=(*state.diagnostics, record),
        )

    def _measured(
        self, time: float, values: np.ndarray, hierarchy: Hierarchy
    ) -> dict[str, np.ndarray]:
        expectations = string_expectations(values, hierarchy, self.derived.strings)
        averages = measure(values, hierarchy, self.lattice, self.observables)
        return averages | self.derived.means(time, expectations)


def cut_of(lattice: Lattice, solver: MomentsSolver) -> Cut:
    """The cut, without what no string of the lattice reaches: one less must leave out strings."""
    # One site has no pairs: with any cut it is solved exactly.
    longest = max(*lattice.shape, 2)
    pairs = None if solver.pair_range is None else min(solver.pair_range, longest)
    return Cut(min(solver.weight, max(lattice.n_sites, 2)), min(solver.range, longest), pairs)


def cuts_of(lattice: Lattice, solver: MomentsSolver) -> dict[str, Cut]:
    """The cuts of all evolutions: the one that is asked for, one weight less, one range less."""
    cut = cut_of(lattice, solver)
    return {
        ASKED: cut,
        "lighter": replace(cut, weight=cut.weight - 1),
        "narrower": replace(cut, range=cut.range - 1),
    }


def kept_size(deck: Deck) -> int:
    """Bytes of the moments of all evolutions of a deck, about."""
    assert isinstance(deck.solver, MomentsSolver)
    model = build_model(deck.system)
    permutations, turns = automorphisms(model), half_turns(model)
    cuts = cuts_of(model.lattice, deck.solver).values()
    counts = [estimated_orbits(model.lattice, permutations, turns, cut) for cut in cuts]
    return int(sum(counts)) * np.dtype(float).itemsize


def assemble(deck: Deck, solver: MomentsSolver) -> tuple[Problem, State]:
    """The problem, and the product state that it starts from."""
    model = build_model(deck.system)
    cuts = cuts_of(model.lattice, solver)
    tolerances = Tolerances(solver.relative_tolerance, solver.absolute_tolerance)
    stop, times = deck.system.time.last, output_times(deck)
    evolutions = {name: build_evolution(model, one, tolerances, stop) for name, one in cuts.items()}
    observables = deck.system.observables
    problem = Problem(
        lattice=model.lattice,
        evolutions=evolutions,
        observables=observables,
        derived=Derived(observables, model),
        edges=at_the_cut(evolutions[ASKED].hierarchy.orbits, model.lattice, cuts[ASKED]),
        keeps=kept_size(deck) <= LARGEST_KEPT,
    )
    return problem, start(evolutions, model, float(times[times > 0][0]))
