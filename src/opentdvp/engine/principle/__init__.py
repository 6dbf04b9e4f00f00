"""The time-dependent variational principle: right-hand sides, their solve, steps in time."""
