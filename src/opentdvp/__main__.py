"""`python -m opentdvp`."""

from opentdvp.cli import main

main()
