"""Variational distributions: networks, their average over a symmetry orbit, and energies."""

from opentdvp.engine.ansatz.autoregressive import Autoregressive
from opentdvp.engine.ansatz.energy.network import EnergyNetwork

__all__ = ["Autoregressive", "EnergyNetwork"]
