"""Dynamics of open quantum spin systems with neural networks.

The time-dependent variational principle in POVM form of M. Reh, M. Schmitt and M. Gärttner,
Phys. Rev. Lett. 127, 230501 (2021), arXiv:2104.00013, called "the paper" in this package.
"""
