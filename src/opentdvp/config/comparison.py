"""Runs by name, and what is compared with what."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from opentdvp.config.base import Name, Positive, StrictModel


class Run(StrictModel):
    """A system solved by a solver, both by name."""

    system: Name
    solver: Name


class Tolerance(StrictModel):
    """Largest absolute difference allowed at any time."""

    magnetization: Positive
    correlators: Positive


def _for_both(value: object) -> object:
    """A number is the tolerance of all observables."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return dict.fromkeys(Tolerance.model_fields, value) if number else value


class Shortfall(Tolerance):
    """How far beyond its tolerance a run is known to be, and where that is explained.

    It does not pass because of that: `opentdvp verify` tells it from an unexpected difference.
    """

    explained: Annotated[str, Field(min_length=1)]


class Comparison(StrictModel):
    """A run judged against a reference run, over the candidate's times and observables.

    `published` values are judged by the same reference.
    """

    candidate: Run
    reference: Run
    tolerance: Annotated[
        Tolerance, BeforeValidator(_for_both, json_schema_input_type=Positive | Tolerance)
    ]
    shortfall: Shortfall | None = None
    published: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _check_shortfall(self) -> Self:
        for kind in ("magnetization", "correlators"):
            tolerance = getattr(self.tolerance, kind)
            if self.shortfall and getattr(self.shortfall, kind) < tolerance:
                raise ValueError(
                    f"`shortfall.{kind}` must be at least the tolerance {tolerance:g}, but is "
                    f"{getattr(self.shortfall, kind):g}"
                )
        return self
