"""The workflow as a module of another one, as the catalogue's users take it."""

import shutil

import pytest
from pipeline import ROOT, TINY, said, snakemake

#: Runs of opentdvp under another prefix, and a rule of their own that takes one of them.
OUTER = f"""
module opentdvp:
    snakefile:
        "{ROOT / "Snakefile"}"


use rule * from opentdvp as opentdvp_*


rule curve:
    default_target: True
    input:
        "results/runs/ring_3/exact.h5",
    output:
        "curve.txt",
    shell:
        "opentdvp show {{input}} > {{output}}"
"""


@pytest.fixture
def outer(tmp_path):
    """Another workflow in a folder of its own, with the tiny configuration."""
    (tmp_path / "Snakefile").write_text(OUTER)
    (tmp_path / "config").mkdir()
    shutil.copy(TINY, tmp_path / "config" / "config.yaml")
    (tmp_path / "src").symlink_to(ROOT / "src")
    return tmp_path


@pytest.mark.slow
def test_another_workflow_uses_our_rules(outer):
    done = snakemake(outer)
    assert done.returncode == 0, said(done)
    assert "exact" in (outer / "curve.txt").read_text()
    # One run, and nothing else of the configuration.
    assert [path.name for path in (outer / "results" / "runs").rglob("*.h5")] == ["exact.h5"]
    again = snakemake(outer, "--dry-run")
    assert "Nothing to be done" in said(again)


def test_all_of_ours_is_a_target_of_another_workflow(outer):
    done = snakemake(outer, "--dry-run", "opentdvp_all")
    assert done.returncode == 0, said(done)
    for rule in ("opentdvp_evolve", "opentdvp_compare", "opentdvp_plot"):
        assert f"rule {rule}:" in said(done)
