"""References without sampling: the Lindblad equation in full, or reduced by symmetry."""
