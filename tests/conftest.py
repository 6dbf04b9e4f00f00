"""Settings of the test session."""

import os

QUICKLY_COMPILED = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"


def pytest_configure(config):
    """The default tests compile for longer than they compute; the others run as users do."""
    if config.option.markexpr.startswith("not slow"):
        os.environ.setdefault("XLA_FLAGS", QUICKLY_COMPILED)
