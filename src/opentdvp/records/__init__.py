"""Files: trajectories, checkpoints, timings, and what a command may write."""
