"""Whether a configuration can be run at all, known before any job starts."""

from pathlib import Path

from opentdvp.config import Study
from opentdvp.errors import ConfigError
from opentdvp.figures import check_labels
from opentdvp.running.solvers import check
from opentdvp.study import archive


def validate(study: Study, config: Path) -> str:
    """Check that every solver fits its systems, the archive, and TeX of labels.

    Returns
    -------
    str
        What is to come from the archive, if there is one.

    Raises
    ------
    ConfigError, FileError
        If anything does not fit; the message names the file and the key.
    """
    for run, place in study.places().items():
        deck = study.deck(run)
        try:
            check(deck)
        except ConfigError as error:
            raise ConfigError(
                f"{config}: `{place}`, {run.system} by {run.solver}: {error}"
            ) from error
    for key, table in (("figures", study.figures), ("published", study.published)):
        for name, entry in table.items():
            check_labels(f"{key}.{name}", entry)
    return archive.plan(study)
