"""The SLURM of one node that `make test-cluster` starts around the tests."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "slurm.sh"


@pytest.fixture(scope="session")
def control():
    """Kill or start the cluster's node; see slurm.sh."""
    if "OPENTDVP_TEST_CLUSTER" not in os.environ:
        missing = "there is no SLURM to test on: `make test-cluster` starts one"
        pytest.skip(os.environ.get("OPENTDVP_NO_CLUSTER", missing))
    return lambda action: subprocess.run([SCRIPT, action], check=True, timeout=300)
