"""Reference solvers: independent of the TDVP engine, each from a deck to a trajectory."""
