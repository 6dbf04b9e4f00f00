"""Settings of the test session."""

import os


def pytest_configure(config):
    """The default tests compile for longer than they compute; the others run as users do."""
    if config.option.markexpr.startswith("not slow"):
        os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
