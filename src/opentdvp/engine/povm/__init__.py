"""The POVM: density matrices as distributions, Lindbladians as their generators."""
