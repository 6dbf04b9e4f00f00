"""Values from elsewhere, such as the curves of a paper, digitised."""

from itertools import pairwise
from typing import Literal, Self

from pydantic import model_validator

from opentdvp.config.base import NonNegative, Real, StrictModel, Text


class Published(StrictModel):
    """A magnetisation against time, or the distance of a front; `source` says where it is from.

    `uncertainty` is that of reading the values off.
    """

    label: Text
    source: str
    observable: Literal["X", "Y", "Z", "front"]
    uncertainty: NonNegative
    times: tuple[Real, ...]
    values: tuple[Real, ...]

    @model_validator(mode="after")
    def _check_length(self) -> Self:
        if len(self.times) != len(self.values) or not self.times:
            raise ValueError(
                f"`values` must be as many as `times`, {len(self.times)} and at least one, but "
                f"are {len(self.values)}"
            )
        if any(later <= earlier for earlier, later in pairwise(self.times)):
            raise ValueError(f"`times` must ascend, but are {list(self.times)}")
        return self
