"""Where spins are, and which are neighbours."""
