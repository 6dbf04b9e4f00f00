"""Local estimates E(a) = Σ_b L^{ab} P(b)/P(a) of an ansatz."""
