"""The TDVP engine: POVM form, autoregressive networks, estimator, solve, integration."""

import jax

from opentdvp.engine.compilation_cache import keep_compiled

# Fisher matrices span many orders of magnitude: single precision cannot resolve their spectrum.
jax.config.update("jax_enable_x64", True)

keep_compiled()
