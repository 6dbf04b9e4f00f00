"""Runs by name, and what is compared with what."""

from opentdvp.config.base import Name, Positive, StrictModel


class Run(StrictModel):
    """A system solved by a solver, both by name."""

    system: Name
    solver: Name


class Tolerance(StrictModel):
    """Largest absolute difference allowed at any time."""

    magnetization: Positive
    correlators: Positive


class Comparison(StrictModel):
    """A run judged against a reference run, over the candidate's times and observables.

    `published` values are judged by the same reference.
    """

    candidate: Run
    reference: Run
    tolerance: Tolerance
    published: tuple[Name, ...] = ()
