"""One run from its deck to its files: which solver, what is kept, how it is interrupted."""
