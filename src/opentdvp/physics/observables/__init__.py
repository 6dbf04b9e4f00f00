"""Observables as functions of the expectation values of Pauli strings."""
