"""Matrix product references with TeNPy: amplitudes, or Pauli expectation values, of a chain."""
