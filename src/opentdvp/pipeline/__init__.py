"""Whole studies: the jobs of a configuration, run without Snakemake, and folders for own ones."""
