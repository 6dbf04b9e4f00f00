"""What every solver shares: conventions of spins, the model, Pauli strings."""
