"""The small preset through SLURM gives the files of a local run: `make test-preset`, an hour."""

import shutil

import pytest
from pipeline import (
    ROOT,
    assert_same,
    copy_workflow,
    lines_without_minutes,
    said,
    snakemake,
    submit,
)

pytestmark = [pytest.mark.cluster, pytest.mark.preset, pytest.mark.usefixtures("control")]


def configured(folder):
    copy_workflow(folder)
    shutil.copy(ROOT / "config" / "small.yaml", folder / "config" / "config.yaml")
    return folder


def test_the_small_preset_gives_the_local_tables(tmp_path):
    local, remote = (configured(tmp_path / name) for name in ("local", "remote"))
    for done in (snakemake(local), submit(remote, patience=2400)):
        assert done.returncode == 0, said(done)
    assert_same(remote, local, "results/small/runs/**/*.h5")
    assert_same(remote, local, "results/small/tables/*.tsv", lines_without_minutes)
    assert (remote / "results/small/report.html").exists()
