"""References that average over independent trajectories of pure states."""
