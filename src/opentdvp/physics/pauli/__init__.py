"""Pauli strings: their symmetries and orbits, and the Lindbladian on them."""
