"""A project of one's own: a folder with a configuration, for which the package has the workflow."""

import shutil
from pathlib import Path

from opentdvp.errors import FileError
from opentdvp.records.files import cannot_write

#: What a wheel has of the repository: Snakefile, workflow, profiles, configurations.
_PACKAGED = Path(__file__).with_name("repository")

#: The folder with the Snakefile: in the wheel, or the repository that the package is used from.
REPOSITORY = _PACKAGED if _PACKAGED.exists() else Path(__file__).parents[3]

#: For `module` in the Snakefile of a project.
SNAKEFILE = str(REPOSITORY / "Snakefile")

#: Of a project.
CONFIGURATION = "config/config.yaml"

#: Files of a project by the files that they are copies of.
_FILES = {
    "Snakefile": Path(__file__).with_name("own_project") / "Snakefile",
    "README.md": Path(__file__).with_name("own_project") / "README.md",
    CONFIGURATION: Path(__file__).with_name("own_project") / "config.yaml",
    "profiles/default/config.yaml": REPOSITORY / "profiles" / "default" / "config.yaml",
    "profiles/slurm/config.yaml": REPOSITORY / "workflow" / "profiles" / "slurm" / "config.yaml",
}


def create(folder: Path) -> list[Path]:
    """Write a project into a new or empty folder, and return its files.

    Raises
    ------
    FileError
        If the folder is not empty, is a file, or cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise FileError(f"Cannot write {folder}: it must be a folder, but is a file.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise FileError(
                f"Cannot write {folder}: it must be an empty folder, but holds "
                f"{min(path.name for path in folder.iterdir())}; choose another name."
            )
        for name, source in _FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)
    except OSError as error:
        raise cannot_write(folder, error) from error
    return [folder / name for name in _FILES]
