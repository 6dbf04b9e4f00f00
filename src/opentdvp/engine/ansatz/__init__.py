"""Variational distributions: networks, and their average over a symmetry orbit."""
