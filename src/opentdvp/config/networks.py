"""Networks and other ansätze as data."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from opentdvp.config.base import (
    FROZEN,
    Json,
    NonNegative,
    Positive,
    PositiveInt,
    StrictModel,
    is_missing,
)


class RecurrentNetwork(StrictModel):
    """A stack of recurrent layers, along a chain or row by row over a square lattice.

    `recurrent` visits the sites in lattice order and remembers the last one; `raster` also reads
    the row above. Cells are `vanilla` (the paper's), `gated`, or `multiplicative` (ours), with
    another recurrent matrix for each outcome. The output layer, from the state to the conditional,
    is `shared` by all sites (the paper's) or there is one `per_site` (ours).
    """

    kind: Literal["recurrent", "raster"]
    cell: Literal["vanilla", "gated", "multiplicative"]
    width: PositiveInt
    depth: PositiveInt
    activation: Literal["tanh", "elu"]
    output: Literal["shared", "per_site"]
    recurrent_scale: Positive


class CustomNetwork(StrictModel):
    """A class from a user's Python file; `options` are its fields.

    The run's identity contains the file's contents, not its place, so that a changed network is
    another run, and a moved one is not. A deck that is read holds only the SHA-256.
    """

    kind: Literal["custom"]
    file: Annotated[str, Field(exclude=True)] = ""
    name: str
    options: Annotated[dict[str, Json], FROZEN, Field(validate_default=True)] = {}
    sha256: str = ""
    _source: str = PrivateAttr(default="")

    @classmethod
    def from_source(cls, source: str, name: str, options: dict[str, Json]) -> Self:
        """A class from the text of a Python file that need not be there."""
        digest = sha256(source.encode()).hexdigest()
        network = cls(kind="custom", name=name, options=options, sha256=digest)
        network._source = source
        return network

    @property
    def source(self) -> str:
        """The text of the file, if the network was made from that; else empty."""
        return self._source

    @model_validator(mode="after")
    def _identify(self) -> Self:
        if self.sha256:  # compared with the file when it is used
            return self
        if not self.file:
            raise ValueError("`file` is required, but is missing")
        try:
            if not Path(self.file).is_file():
                raise FileNotFoundError("there is no such file")
            object.__setattr__(self, "sha256", sha256(Path(self.file).read_bytes()).hexdigest())
        except (OSError, ValueError) as error:  # ValueError: a null character in the path
            raise ValueError(f"`file` must be readable, but is {self.file}: {error}") from error
        return self


class Strings(StrictModel):
    """Products of letters x, y, z on up to `weight` sites.

    They lie in windows of `range` sites along each axis, pairs of letters in such of `pair_range`.
    """

    weight: PositiveInt
    range: PositiveInt
    pair_range: PositiveInt

    @model_validator(mode="after")
    def _check_ranges(self) -> Self:
        if self.pair_range < self.range:
            raise ValueError(
                f"`pair_range` must be at least the range {self.range}, but is {self.pair_range}"
            )
        return self


class Growth(StrictModel):
    """Strings are added during a run, those first that the residual overlaps with most.

    A run begins with those of up to `first_weight` sites. At every step whose `residual` r² is
    larger, others are added, until it is not or there are so many `strings`.
    """

    strings: PositiveInt
    residual: NonNegative
    first_weight: PositiveInt


class JastrowNetwork(Strings):
    """A many-body Jastrow factor (ours); all symmetries of the model are built in."""

    kind: Literal["jastrow"]
    # Left out of a deck without it, which is the same run as before there was this key.
    growth: Annotated[Growth | None, Field(exclude_if=is_missing)] = None

    @model_validator(mode="after")
    def _check_first_weight(self) -> Self:
        if self.growth is not None and self.growth.first_weight > self.weight:
            raise ValueError(
                f"`growth.first_weight` must be at most the weight {self.weight}, but is "
                f"{self.growth.first_weight}"
            )
        return self


class Layers(StrictModel):
    """Layers of a convolution: the length of the kernel of each, and its channels.

    The last one is summed over channels and sites, with weights that are zero at the start;
    `hidden_scale` is the standard deviation of all other signals at the start.
    """

    kernels: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    channels: PositiveInt
    activation: Literal["tanh", "elu"]
    hidden_scale: Positive

    @model_validator(mode="after")
    def _check_kernels(self) -> Self:
        if not all(length % 2 for length in self.kernels):
            raise ValueError(f"`kernels` must be odd lengths, but are {list(self.kernels)}")
        return self


class ConvolutionNetwork(Layers):
    """log P as a sum over sites of a small convolutional network (ours).

    All symmetries of lattice and model are built in.
    """

    kind: Literal["convolution"]


class HybridNetwork(Layers, Strings):
    """log P as the sum of a many-body Jastrow factor and of a convolution (ours)."""

    kind: Literal["hybrid"]


#: Those that are symmetric without images, sampled by chains.
ENERGIES = (JastrowNetwork, ConvolutionNetwork, HybridNetwork)

Network = Annotated[
    RecurrentNetwork | CustomNetwork | JastrowNetwork | ConvolutionNetwork | HybridNetwork,
    Field(discriminator="kind"),
]
