"""Measurements: other observables of runs that are there, from what these have kept."""

from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from opentdvp.config.base import Name, Several, StrictModel
from opentdvp.config.messages import explain
from opentdvp.config.observables import Observables
from opentdvp.config.solver import Enumeration, Solver, TdvpSolver
from opentdvp.config.system import System
from opentdvp.config.times import CLOSEST, TimeGrid


class Measured(StrictModel):
    """What is measured of the kept states of a run, in place of what the run has measured.

    Attributes
    ----------
    observables
        All of them; nothing of the run's own is taken over.
    samples
        Of a network that is sampled, as `sampling.observables`; as many as in the run by default.
    time
        Times that the run has kept, or between them; all that it has kept by default.
    """

    observables: Observables
    samples: Several | None = None
    time: TimeGrid | None = None

    def of_system(self, system: System) -> System:
        """The system of an evolution with these observables and times.

        Raises
        ------
        ValueError
            If the lattice has not what is observed, or the evolution has not reached the times.
        """
        changes: dict[str, Any] = {"observables": self.observables.model_dump(mode="json")}
        if self.time is not None:
            changes["time"] = self.time.model_dump(mode="json")
        tree = system.model_dump(mode="json") | changes
        try:
            measured = System.model_validate(tree)
        except ValidationError as error:
            key, said = explain(error, tree)[0]
            raise ValueError(f"`{key}` {said}") from error
        _check_times(system, measured)
        return measured

    def of_solver(self, solver: Solver) -> Solver:
        """The solver of an evolution with this number of samples.

        Raises
        ------
        ValueError
            If it has none.
        """
        if self.samples is None:
            return solver
        if not isinstance(solver, TdvpSolver) or isinstance(solver.sampling, Enumeration):
            raise ValueError(
                "`samples` must be left out for a solver without samples of a network, but is "
                f"{self.samples}"
            )
        sampling = solver.sampling.model_copy(update={"observables": self.samples})
        return solver.model_copy(update={"sampling": sampling})


class Measurement(Measured):
    """A system of this name, whose runs by some solvers are measured and not computed again.

    Attributes
    ----------
    system
        That of the evolutions.
    solvers
        Those whose runs of it are measured; by all others the new system is solved.
    """

    system: Name
    solvers: Annotated[tuple[Name, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_solvers(self) -> Self:
        if len(set(self.solvers)) < len(self.solvers):
            raise ValueError(f"`solvers` must be different, but are {list(self.solvers)}")
        return self


def _check_times(evolution: System, measured: System) -> None:
    """Raise `ValueError` unless an evolution has reached the times of a measurement."""
    reached, wanted = evolution.time.last, measured.time.last
    if wanted > reached * (1 + CLOSEST):
        raise ValueError(
            f"`time` must end where the run does, at {reached:g}, or before, but ends at {wanted:g}"
        )
