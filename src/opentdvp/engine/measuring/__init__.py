"""What is measured of a distribution: observables, and whether it is a state."""
