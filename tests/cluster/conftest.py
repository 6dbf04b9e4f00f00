"""A SLURM of one node for all tests of a session."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "slurm.sh"


class Cluster:
    """A cluster whose state, logs and configuration are in one folder."""

    def __init__(self, folder):
        self.folder = folder

    def control(self, action):
        """Start or stop it, or its node; see slurm.sh."""
        subprocess.run([SCRIPT, action, self.folder], check=True, timeout=300)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A running cluster, which is stopped in the end."""
    if os.getuid() or not shutil.which("apt-get"):
        pytest.skip("SLURM is installed and started by root on Debian or Ubuntu only")
    conf = Path("/etc/slurm/slurm.conf")
    if conf.exists() and not conf.is_symlink():
        pytest.skip("this machine belongs to a cluster already: there is /etc/slurm/slurm.conf")
    installed = subprocess.run([SCRIPT, "install"], capture_output=True, text=True)
    if installed.returncode:
        pytest.skip(f"SLURM cannot be installed from this machine's packages: {installed.stderr}")
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    cluster.control("start")
    yield cluster
    cluster.control("stop")
