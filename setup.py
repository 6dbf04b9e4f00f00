"""What pyproject.toml cannot say: files of the repository that a wheel has beside the code."""

import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
#: What runs the pipeline without the repository.
PACKAGED = ("Snakefile", "environment.yml", "workflow", "profiles", "config")


def revision():
    """The commit that the wheel is made of, as opentdvp.records.provenance has it, or nothing."""
    try:
        git("ls-files", "--error-unmatch", "setup.py")
        head, changed = git("rev-parse", "HEAD"), git("status", "--porcelain", "-uno", "--", "src")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{head}+changes" if changed else head


def git(*arguments):
    """What git says of this folder."""
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class BuildWithRepository(build_py):
    """Adds the files to the package, and the revision that results name."""

    def run(self):
        """Copy them, unless the package is used from the repository (an editable installation)."""
        if self.editable_mode:
            super().run()
            return
        package = Path(self.build_lib, "opentdvp")
        # What an earlier build has left would be packed too.
        shutil.rmtree(package, ignore_errors=True)
        super().run()
        folder = package / "pipeline" / "repository"
        folder.mkdir(parents=True)
        for name in PACKAGED:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copyfile
            copy(source, folder / name)
        (package / "revision.txt").write_text(revision() + "\n", encoding="utf-8")


setup(cmdclass={"build_py": BuildWithRepository})
