"""Which code computed: that which a process began with, and all that took part."""

from dataclasses import replace

import numpy as np
import pytest
from pipeline import TINY

from opentdvp import config
from opentdvp.config import Run
from opentdvp.physics.model import build_model
from opentdvp.records import checkpoint, provenance, trajectory
from opentdvp.records.checkpoint import State
from opentdvp.references.exact import full
from opentdvp.running.keeper import Checkpoints, Keeper

OLD, DIRTY = "a" * 40, "b" * 40 + "+changes"


@pytest.fixture
def commits(monkeypatch):
    """A repository in which somebody commits each time that it is asked for its revision."""
    heads = iter("0123456789")
    answers = {"rev-parse": lambda: next(heads) * 40, "status": str, "ls-files": str}
    monkeypatch.setattr(provenance, "_git", lambda command, *rest: answers[command]())
    provenance.revision.cache_clear()
    yield
    provenance.revision.cache_clear()


def test_a_commit_while_a_run_goes_on_is_not_what_computes(commits):
    first = provenance.revision()
    assert first == "0" * 40
    assert provenance.provenance("cpu")["revision"] == first


def test_several_revisions_are_one_text_and_back():
    text = provenance.joined([OLD, DIRTY, OLD])
    assert provenance.separate(text) == [OLD, DIRTY]
    assert [provenance.is_dirty(one) for one in (OLD, DIRTY, "unknown")] == [False, True, True]


def test_a_resumed_run_keeps_all_revisions(tmp_path):
    state = State(1.0, 0.1, {"theta": np.zeros(2)}, revisions=(OLD, DIRTY))
    path = tmp_path / "run.npz"
    checkpoint.save(state, "c" * 64, path)
    keeper = Keeper("c" * 64, Checkpoints(path, interval=0))
    resumed = keeper.resume()
    assert keeper.revisions == (OLD, DIRTY, provenance.revision())
    keeper(resumed)
    assert checkpoint.load("c" * 64, path).revisions == keeper.revisions


def test_a_checkpoint_without_revisions_is_still_read(tmp_path, monkeypatch):
    entries = checkpoint._checksum
    monkeypatch.setattr(
        checkpoint, "_checksum", lambda e: entries({k: v for k, v in e.items() if k != "revisions"})
    )
    path = tmp_path / "run.npz"
    checkpoint.save(State(1.0, 0.1, {}), "c" * 64, path)
    with np.load(path) as file:
        kept = {name: file[name] for name in file.files if name != "revisions"}
    with path.open("wb") as stream:
        np.savez(stream, **kept)
    assert checkpoint.load("c" * 64, path).revisions == ()


def test_the_file_of_a_resumed_run_names_all_that_took_part(tmp_path, call):
    """Begun by code with changes, which the file says and `show` explains."""
    kept, out = tmp_path / "run.npz", tmp_path / "run.h5"
    deck = config.load(TINY).deck(Run(system="ring_3", solver="exact"))
    model = build_model(deck.system)
    begun = full._start(model, deck, full._measurement(deck, model))
    checkpoint.save(replace(begun, revisions=(DIRTY,)), deck.run_id, kept)
    assert call("run", TINY, "ring_3", "exact", "--out", out, "--checkpoint", kept)[0] == 0
    found = trajectory.read(out).provenance["revision"]
    assert provenance.separate(found) == [DIRTY, provenance.revision()]
    said = " ".join(call("show", out)[1].split())
    assert "(code that changed while it ran, or that was never committed)" in said
