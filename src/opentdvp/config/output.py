"""Folders that the pipeline writes to, and what may not be one of them."""

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from opentdvp.config.base import StrictModel
from opentdvp.config.comparison import Run

#: Without what shells, Snakemake or a command line take for something else.
_PLAIN = re.compile(r"[\w./+,=@()][\w./+,=@() -]*")

#: What a project has of its own; a configuration may have its results beside it.
_SOURCES = (".git", ".snakemake", ".venv", "profiles", "src", "tests", "workflow")


def _check_folder(value: str) -> str:
    if not _PLAIN.fullmatch(value) or value != value.strip():
        raise ValueError(
            "must be a folder of letters, digits, spaces and _ . / + - , = @ ( ), and not begin "
            f"with - or a space, but is {value!r}; ~ and variables are not expanded"
        )
    folder, project = Path(value).resolve(), Path.cwd().resolve()
    if project.is_relative_to(folder):
        raise ValueError(
            f"must be a folder of its own, but {value!r} is or holds the one you work in; use "
            "e.g. results"
        )
    own = Path(os.path.relpath(folder, project)).parts
    if own[0] in _SOURCES or own == ("config",):
        raise ValueError(
            f"must be a folder of its own, but {value!r} belongs to the project; use e.g. results"
        )
    if not next(place for place in (folder, *folder.parents) if place.exists()).is_dir():
        raise ValueError(f"must be a folder, but {value!r} is a file or in one")
    return os.path.normpath(value)


Folder = Annotated[str, AfterValidator(_check_folder)]


class Output(StrictModel):
    """Folders that the pipeline writes to."""

    results: Folder = "results"
    figures: Folder = "figures"

    def trajectory(self, run: Run) -> Path:
        """File of a run."""
        return Path(self.results, "runs", run.system, f"{run.solver}.h5")

    def batch(self, run: Run, number: int) -> Path:
        """File of some trajectories of a run."""
        return Path(self.results, "runs", run.system, run.solver, f"{number}.npz")

    def checkpoint(self, run: Run, identity: str, batch: int | None = None) -> Path:
        """Where a run, or a batch of one, is saved: another place for another identity.

        Parameters
        ----------
        identity
            Run id, or batch id.
        """
        part = "" if batch is None else f"-{batch}"
        name = f"{run.solver}-{identity[:16]}{part}.npz"
        return Path(self.results, "checkpoints", run.system, name)

    def log(self, rule: str, *names: str) -> Path:
        """Where a job of the pipeline writes what it has to say."""
        return Path(self.results, "logs", rule, *names[:-1], f"{names[-1]}.log")

    def summary(self, comparison: str) -> Path:
        """Table with the verdicts of a comparison."""
        return Path(self.results, "tables", f"{comparison}.summary.tsv")

    def points(self, comparison: str) -> Path:
        """Table with the differences of a comparison at every time."""
        return Path(self.results, "tables", f"{comparison}.points.tsv")

    def derived(self, figure: str) -> Path:
        """Table of what a figure shows that is derived from its runs."""
        return Path(self.results, "tables", f"{figure}.figure.tsv")

    @property
    def estimates(self) -> Path:
        """What runs are expected to take, as `opentdvp estimate` has found."""
        return Path(self.results, "estimates.json")
