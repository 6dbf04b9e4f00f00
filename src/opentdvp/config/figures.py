"""Figures as data: what they show, of which runs."""

from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, model_validator

from opentdvp.config.base import Name, PositiveInt, StrictModel
from opentdvp.config.comparison import Run
from opentdvp.config.system import Axis, AxisPair


class PlottedCorrelators(StrictModel):
    """Connected correlators to draw, all at one distance."""

    pairs: tuple[AxisPair, ...]
    distance: PositiveInt


class DynamicsFigure(StrictModel):
    """Magnetisations and correlators against time, with residual strips (as paper, Fig. 2a, b)."""

    kind: Literal["dynamics"]
    comparison: Name
    time_label: str
    magnetization: tuple[Axis, ...]
    correlators: PlottedCorrelators


class Published(StrictModel):
    """Values from elsewhere; `source` says where they were read off."""

    label: str
    source: str
    times: tuple[FiniteFloat, ...]
    values: tuple[FiniteFloat, ...]

    @model_validator(mode="after")
    def _check_length(self) -> Self:
        if len(self.times) != len(self.values) or not self.times:
            raise ValueError(
                f"`values` must be as many as `times`, {len(self.times)} and at least one, but "
                f"are {len(self.values)}"
            )
        return self


class RunsFigure(StrictModel):
    """One observable of several runs: as it is, what is left beside the last run, and its error."""

    kind: Literal["runs"]
    time_label: str
    observable: Axis
    runs: Annotated[tuple[Run, ...], Field(min_length=2)]
    published: tuple[Published, ...] = ()


class DiagnosticsFigure(StrictModel):
    """Diagnostics of several runs against time, on a logarithmic scale."""

    kind: Literal["diagnostics"]
    time_label: str
    diagnostics: Annotated[tuple[str, ...], Field(min_length=1)]
    runs: Annotated[tuple[Run, ...], Field(min_length=1)]


AnyFigure = Annotated[DynamicsFigure | RunsFigure | DiagnosticsFigure, Field(discriminator="kind")]
