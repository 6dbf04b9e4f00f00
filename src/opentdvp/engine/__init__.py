"""The TDVP engine: POVM form, autoregressive networks, estimator, solve, integration."""

import jax

# Fisher matrices span many orders of magnitude: single precision cannot resolve their spectrum.
jax.config.update("jax_enable_x64", True)
