"""Variational distributions: networks, and their average over a symmetry orbit."""

from opentdvp.engine.ansatz.autoregressive import Autoregressive

__all__ = ["Autoregressive"]
