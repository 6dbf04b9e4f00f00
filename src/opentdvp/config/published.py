"""Values from elsewhere, such as the curves of a paper, digitised."""

from typing import Literal, Self

from pydantic import FiniteFloat, model_validator

from opentdvp.config.base import NonNegative, StrictModel
from opentdvp.config.system import Axis


class Published(StrictModel):
    """A magnetisation against time, or the distance of a front; `source` says where it is from.

    `uncertainty` is that of reading the values off.
    """

    label: str
    source: str
    observable: Axis | Literal["front"]
    uncertainty: NonNegative
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
