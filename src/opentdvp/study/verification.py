"""Whether the files of a study are those of its configuration; no run is computed again."""

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from PIL import Image

from opentdvp import figures, judging
from opentdvp.config import Run, Study
from opentdvp.errors import FileError, NumericalFailure, OpentdvpError
from opentdvp.records.provenance import is_dirty, separate
from opentdvp.records.timing import read_timing
from opentdvp.study import drawing, misses

#: The verdict on what is as it should be.
VALID = "valid"

#: That on a comparison beyond its tolerance by no more than its configuration says.
SHORT = "beyond its tolerance, as explained in"


class _Found(NamedTuple):
    """What there is to say of a file that could be read; of a run, which code computed it."""

    verdict: str = VALID
    revision: str = ""


def verify(study: Study) -> pd.DataFrame:
    """One row per run, comparison, derived table and figure that the study has or draws.

    Returns
    -------
    pandas.DataFrame
        Columns `kind`, `name`, `revision`, which is that of the code of a run that is valid, and
        `verdict`, which is `VALID`, begins with `SHORT`, or says what is wrong:

        - runs: the file can be read, its run id is that of the deck in the configuration, the run
          succeeded, and what it has cost is known;
        - comparisons and derived tables: made anew from the runs, they equal the tables, and every
          curve passes, or is within the shortfall that is explained;
        - figures: the PNG names the runs that the configuration has now.
    """
    rows = [(kind, name, *_verdict(check)) for kind, name, check in _checks(study)]
    return pd.DataFrame(rows, columns=["kind", "name", *_Found._fields])


def told_of_revisions(verdicts: pd.DataFrame) -> str:
    """How many revisions of the code computed the runs, and which runs are of none or of several.

    Parameters
    ----------
    verdicts
        Those of `verify`, which has read the runs.
    """
    runs = verdicts[(verdicts["kind"] == "run") & (verdicts["verdict"] == VALID)]
    pairs = zip(runs["name"], runs["revision"], strict=True)
    found = {name: separate(revision) for name, revision in pairs}
    lines = [f"{len(found)} runs of {len(set(chain(*found.values())))} revisions of the code."]
    for what, chosen in (
        ("With changes that were not committed", lambda parts: any(map(is_dirty, parts))),
        ("Of several revisions", lambda parts: len(parts) > 1),
    ):
        names = [name for name, parts in found.items() if chosen(parts)]
        if names:
            lines.append(f"{what}: {'; '.join(names)}.")
    return "\n".join(lines)


def _checks(study: Study) -> Iterator[tuple[str, str, Callable[[], _Found]]]:
    for run in study.used():
        yield "run", f"{run.system}, {run.solver}", partial(_check_run, study, run)
    for name in study.comparisons:
        yield "comparison", name, partial(_check_comparison, study, name)
    for name, figure in study.figures.items():
        if figure.derived:
            yield "table", name, partial(_check_derived, study, name)
        yield "figure", name, partial(_check_figure, study, name)


def _verdict(check: Callable[[], _Found]) -> _Found:
    try:
        return check()
    except OpentdvpError as error:
        return _Found(str(error))


def _check_run(study: Study, run: Run) -> _Found:
    path = study.output.trajectory(run)
    read = judging.read_run(study, run, path)
    read_timing(path)
    return _Found(revision=read.provenance["revision"])


def _check_comparison(study: Study, name: str) -> _Found:
    comparison = study.comparisons[name]
    paths = (study.output.trajectory(run) for run in (comparison.candidate, comparison.reference))
    points, summary = judging.judge(study, comparison, *paths)
    for table, path, read in (
        (points, study.output.points(name), judging.read_points),
        (summary, study.output.summary(name), judging.read_summary),
    ):
        judging.check_table(table, path, read(path))
    verdict = misses.verdict(name, comparison, summary)
    if verdict["passed"]:
        return _Found()
    if verdict["shortfall"]:
        return _Found(f"{SHORT} {verdict['shortfall']}")
    failed = summary["observable"][~summary["passed"]]
    raise NumericalFailure(f"Beyond the tolerance: {', '.join(failed.unique())}.")


def _check_derived(study: Study, name: str) -> _Found:
    found = drawing.read_derived(study, name)
    judging.check_table(drawing.derive(study, name), study.output.derived(name), found)
    return _Found()


def _check_figure(study: Study, name: str) -> _Found:
    path = Path(study.output.figures, f"{name}.png")
    try:
        with Image.open(path) as image:
            keywords = str(image.info.get("Keywords", ""))
            image.verify()
    # What Pillow raises for damaged files.
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise FileError(f"Cannot read {path}: it is missing or damaged.") from error
    drawn = [study.deck(run).run_id for run in study.drawn(study.figures[name])]
    if figures.run_ids(keywords) != drawn:
        raise FileError(f"{path} does not show the runs of the configuration; draw it again.")
    return _Found()
