"""Runs that were computed before, and may be copied instead of computed again."""

from typing import Annotated

from pydantic import Field

from opentdvp.config.base import Name, StrictModel
from opentdvp.config.output import Folder


class Archive(StrictModel):
    """The results of another configuration, and whose runs are taken from there.

    A run is known by its deck alone: its system and its solver may have other names there.
    """

    #: What is `output.results` of the configuration that computed the runs.
    results: Folder
    solvers: Annotated[tuple[Name, ...], Field(min_length=1)]
