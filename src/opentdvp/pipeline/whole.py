"""A whole study: everything that its configuration asks for, and that is not there yet."""

import os
from pathlib import Path

from opentdvp.config import Study
from opentdvp.config.load import load_with_sources
from opentdvp.pipeline.execute import Say, execute
from opentdvp.pipeline.job import Request
from opentdvp.pipeline.jobs import jobs_of
from opentdvp.pipeline.validation import validate
from opentdvp.study import archive, made, sharing


def make(config_file: Path, limit: int, say: Say) -> Study:
    """Solve all systems, compare the runs, draw the figures and write the tables.

    The files are those of the Snakemake pipeline, by the same commands: what one has made, the
    other finds. A run that is there with the run id of its deck is not computed again.

    Parameters
    ----------
    config_file
        The configuration.
    limit
        Threads that all jobs have together; most have one.
    say
        Told how it goes.

    Raises
    ------
    ConfigError, FileError
        Before any job, if something does not fit, or would replace runs of another configuration.
    Interrupted
        If it was asked to stop; the same call goes on.
    JobFailure
        If a job fails.
    """
    config = Path(os.path.relpath(config_file))
    study, sources = load_with_sources(config)
    plan = validate(study, config)
    if plan:
        say(plan)
    found, used = archive.find(study), study.used()
    restored = {run: found[run] for run in used if run in found}
    sharing.refuse_runs_of_others(study, config, restored)
    request = Request(study, config, tuple(sources), restored, set(made.outdated(study, config)))
    sharing.note_use(study, config)
    jobs, files = jobs_of(request), list[Path]()
    try:
        count = execute(jobs, limit, say, files)
    finally:
        if files:
            made.note(study, config, files)
    say(f"{count} jobs were run, {len(jobs) - count} were done already.")
    return study
