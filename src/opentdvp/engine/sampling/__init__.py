"""Ensembles of outcomes: independent samples, or all of them."""
