"""Files that commands write: never one that is read or another's, whatever its name is."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import sys
from importlib import metadata

import h5py
import pytest
import yaml
from pipeline import TINY

from opentdvp import cli
from opentdvp.config.load import load_with_sources
from opentdvp.config.reading import read_yaml
from opentdvp.errors import Interrupted
from opentdvp.protocol import Method
from opentdvp.records import trajectory
from opentdvp.records.files import reading
from opentdvp.records.trajectory import SCHEMA_VERSION

#: What people and programs put into names.
STRANGE = 'it\'s my "first" study, ü σ'


def study(folder):
    """The tiny configuration with references alone: nothing is compiled."""
    tree = yaml.safe_load(TINY.read_text())
    solver = tree["solvers"]["exact"]
    loose = solver | {"relative_tolerance": 1e-6}
    tolerance = {"magnetization": 0.1, "correlators": 0.1}
    runs = {name: {"system": "ring_3", "solver": name} for name in ("exact", "loose")}
    counts = {"seed": 1, "trajectories": 4, "batch": 2}
    rough = {"relative_tolerance": 1e-5, "absolute_tolerance": 1e-7}
    figures = {k: v for k, v in tree["figures"].items() if k in ("scheme", "front")}
    figures["runs"] = tree["figures"]["runs"] | {"runs": list(runs.values()), "published": []}
    tree |= {
        "output": {"results": "my results", "figures": "my figures"},
        "solvers": {"exact": solver, "loose": loose, "some": {"method": "mcwf"} | counts | rough},
        "comparisons": {
            "both": {"candidate": runs["loose"], "reference": runs["exact"], "tolerance": tolerance}
        },
        "scans": {},
        "figures": figures,
    }
    (folder / "base.yaml").write_text(yaml.safe_dump(tree))
    path = folder / f"{STRANGE}.yaml"
    path.write_text("extends: base.yaml\n")
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a strange name."""
    folder = tmp_path / STRANGE
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Both runs, their comparison, a table, figures, batches, in a folder."""
    folder = tmp_path_factory.mktemp("template")
    path = study(folder).name
    runs = [f"my results/runs/ring_3/{solver}.h5" for solver in ("loose", "exact")]
    tables = [f"my results/tables/both.{kind}.tsv" for kind in ("points", "summary")]
    front = "my results/tables/front.figure.tsv"
    for arguments in (
        ("run", path, "ring_3", "loose", "--out", runs[0]),
        ("run", path, "ring_3", "exact", "--out", runs[1], "--log", "my log.txt"),
        ("compare", path, "both", *runs, "--points", tables[0], "--summary", tables[1]),
        ("derive", path, "front", "--out", front),
        ("plot", path, "runs", "--out", "my figures/runs.pdf", "--out", "my figures/runs.png"),
        ("batch", path, "ring_3", "some", "0", "--out", "0.npz"),
        ("batch", path, "ring_3", "some", "1", "--out", "1.npz"),
        ("gather", path, "ring_3", "some", "0.npz", "1.npz", "--out", "some.h5"),
        ("overview", path, "--finished", "--out", "my figures"),
        ("show", runs[0]),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setattr(sys, "argv", ["opentdvp", *arguments])
            patch.setattr(cli, "raise_on_signals", lambda: None)
            with pytest.raises(SystemExit) as stopped:
                cli.main()
        assert not stopped.value.code, arguments
    return folder


@pytest.fixture
def finished(template, folder):
    """A copy of all that in the working folder; the path of the configuration."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    return folder / f"{STRANGE}.yaml"


def snapshot(folder):
    """What every file of a folder holds, and that it is a file of its own."""
    return {
        path: (hashlib.sha256(path.read_bytes()).hexdigest(), path.is_symlink())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_names_with_spaces_and_quotes_do(finished, folder):
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"some.h5", "some.timing.json", "my log.txt", "my figures/runs.pdf"} <= written
    assert "my figures/overview.html" in written
    assert not [name for name in written if ".opentdvp" in name or "checkpoint" in name]


def test_every_command_may_be_given_again(finished, call):
    """What was there is ours, so it is replaced."""
    figures = "my figures/runs.pdf", "my figures/runs.png"
    run = ("run", finished, "ring_3", "exact", "--out", "my results/runs/ring_3/exact.h5")
    again = (
        (*run, "--log", "my log.txt"),
        ("batch", finished, "ring_3", "some", 0, "--out", "0.npz"),
        ("gather", finished, "ring_3", "some", "0.npz", "--out", "some.h5"),
        ("derive", finished, "front", "--out", "my results/tables/front.figure.tsv"),
        ("plot", finished, "runs", "--out", figures[0], "--out", figures[1]),
        ("overview", finished, "--finished", "--out", "my figures"),
    )
    for arguments in again:
        code, _, errors = call(*arguments)
        assert code == 0, errors


RUN = ("run", "CONFIG", "ring_3", "exact", "--out")
COMPARE = ("compare", "CONFIG", "both", "LOOSE", "EXACT", "--points")
GATHER = ("gather", "CONFIG", "ring_3", "some", "0.npz", "1.npz", "--out")
BATCH = ("batch", "CONFIG", "ring_3", "some", "0", "--out")
PLOT = ("plot", "CONFIG", "runs", "--out")


@pytest.mark.parametrize(
    "words",
    [
        (*RUN, "CONFIG"),
        (*RUN, "base.yaml"),
        (*RUN, "linked"),
        (*RUN, "0.npz"),
        (*RUN, "notes.txt"),
        (*RUN, "other.h5"),
        (*RUN, "new.h5", "--checkpoint", "new.h5"),
        (*RUN, "new.h5", "--checkpoint", "new.timing.json"),
        (*RUN, "new.h5", "--checkpoint", "EXACT"),
        (*RUN, "new.h5", "--checkpoint", "notes.txt"),
        (*RUN, "new.h5", "--log", "new.h5"),
        (*RUN, "new.h5", "--log", "new.failed.h5"),
        (*RUN, "new.h5", "--log", "base.yaml"),
        (*RUN, "new.h5", "--log", "0.npz"),
        (*RUN, "new.h5", "--log", "notes.txt"),
        (*RUN, "mine.h5"),
        (*RUN, "theirs.h5"),
        (*COMPARE, "q", "--summary", "q"),
        (*COMPARE, "q", "--summary", "LOOSE"),
        (*COMPARE, "EXACT", "--summary", "q"),
        (*COMPARE, "my results/tables/both.summary.tsv", "--summary", "q"),
        (*COMPARE, "CONFIG", "--summary", "q"),
        (*GATHER, "0.npz"),
        (*GATHER, "base.yaml"),
        (*BATCH, "EXACT"),
        (*BATCH, "1.npz", "--checkpoint", "1.npz"),
        (*BATCH, "notes.txt"),
        (*PLOT, "a.png", "--out", "a.png"),
        (*PLOT, "a.png", "--out", "notes.txt"),
        (*PLOT, "paper.pdf"),
        ("derive", "CONFIG", "front", "--out", "EXACT"),
        ("derive", "CONFIG", "front", "--out", "my results/tables/both.points.tsv"),
        ("overview", "CONFIG", "--finished", "--out", "mine"),
        ("overview", "CONFIG", "--finished", "--out", "notes.txt"),
        (*RUN, ""),
        (*RUN, "."),
        (*RUN, "pipe"),
        (*RUN, "--log"),
        (*RUN, "two\nlines"),
        (*RUN, "x" * 300),
        (*RUN, "notes.txt/run.h5"),
        ("show", "."),
        ("show", "two\nlines"),
        ("show", "x" * 300),
    ],
    ids=lambda words: " ".join(words[:1] + words[4:])[:60],
)
def test_nothing_but_what_is_asked_for_is_written(finished, folder, call, words):
    """One line says what is in the way; no other file has changed, nor is there a new one."""
    (folder / "notes.txt").write_text("mine")
    (folder / "paper.pdf").write_text("%PDF mine")
    (folder / "mine").mkdir()
    (folder / "mine" / "runs.md").write_text("# Runs that I like\n")
    (folder / "linked").hardlink_to(finished)
    (folder / "mine.timing.json").write_text('{"mine": 1}')
    (folder / "theirs.failed.h5").mkdir()
    os.mkfifo(folder / "pipe")
    with h5py.File(folder / "other.h5", "w") as file:
        file["times"] = [1.0]
    before = snapshot(folder)
    names = {"CONFIG": finished.name, "base": "base.yaml"}
    names |= {name.upper(): f"my results/runs/ring_3/{name}.h5" for name in ("exact", "loose")}
    code, _, errors = call(*(names.get(word, word) for word in words))
    assert (code, len(errors)) == (1, 1)
    assert errors[0].startswith("error: ")
    assert snapshot(folder) == before
    assert (folder / "pipe").is_fifo()


def test_the_code_of_a_network_is_an_input(tmp_path):
    (tmp_path / "network.py").write_text("# mine\n")
    tree = yaml.safe_load(TINY.read_text())
    network = {"kind": "custom", "file": str(tmp_path / "network.py"), "name": "Network"}
    tree["solvers"]["tdvp"]["network"] = network
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(tree))
    assert load_with_sources(path)[1] == [path, tmp_path / "network.py"]


@pytest.mark.parametrize("command", [["run", "ring_3", "exact"], ["plot", "runs"]])
def test_a_command_reads_its_configuration_once(finished, call, monkeypatch, command):
    read = []

    def counted(path):
        read.append(path.name)
        return read_yaml(path)

    monkeypatch.setattr(sys.modules["opentdvp.config.extends"], "read_yaml", counted)
    name, *words = command
    out = "again.h5" if name == "run" else "again.pdf"
    assert call(name, finished, *words, "--out", out)[0] == 0
    assert read == [finished.name, "base.yaml"]


def test_hidden_files_beside_the_output_stay(folder, call):
    path = study(folder)
    (folder / ".env.local").write_text("mine")
    (folder / ".env.d").mkdir()
    assert call("run", path, "ring_3", "exact", "--out", "env.h5")[0] == 0
    assert (folder / ".env.local").read_text() == "mine"
    assert (folder / ".env.d").is_dir()


def test_names_with_a_point_have_files_of_their_own(folder, call):
    path = study(folder)
    for rate in ("0.1", "0.5"):
        assert call("run", path, "ring_3", "exact", "--out", f"rate{rate}")[0] == 0
    expected = {f"rate{rate}{suffix}" for rate in ("0.1", "0.5") for suffix in ("", ".timing.json")}
    assert expected <= {path.name for path in folder.iterdir()}
    code, _, errors = call("run", path, "ring_3", "exact", "--out", "rate0.1.h5")
    assert code == 1
    assert (
        "rate0.1.timing.json: the file that is there is not a timing file of rate0.1" in errors[0]
    )


def test_an_output_may_be_a_link(folder, call):
    """The file that it leads to is written; its timing is where `show` looks for it."""
    path = study(folder)
    (folder / "far").mkdir()
    (folder / "run.h5").symlink_to(folder / "far" / "run.h5")
    assert call("run", path, "ring_3", "exact", "--out", "run.h5")[0] == 0
    assert (folder / "run.h5").is_symlink()
    assert trajectory.read(folder / "far" / "run.h5").result == "success"
    assert "wall_seconds" in call("show", "run.h5")[1]


@pytest.mark.parametrize("command", ["run", "batch"])
def test_a_stopped_run_goes_on_without_being_told_where(folder, call, monkeypatch, command):
    """Its checkpoint is beside the output, and gone once it has ended."""
    path = study(folder)
    words = ["run", path, "ring_3", "exact", "--out", "a.h5"]
    if command == "batch":
        words = ["batch", path, "ring_3", "some", 0, "--out", "a.npz"]
    solve, resumed = Method.__call__, []

    def stop(*arguments, resume_from=None, keep=None):
        def keep_first(state):
            keep(state)
            raise Interrupted("The run was asked to stop; the same command goes on.")

        resumed.append(resume_from)
        wanted = keep_first if resume_from is None else keep
        return solve(*arguments, resume_from=resume_from, keep=wanted)

    monkeypatch.setattr(Method, "__call__", stop)
    assert call(*words, "--time-limit", 1000)[0] == 75
    assert {"a.checkpoint.npz"} == {p.name for p in folder.iterdir()} - {path.name, "base.yaml"}
    assert call(*words)[0] == 0
    assert resumed[0] is None
    assert resumed[1] is not None
    assert not (folder / "a.checkpoint.npz").exists()
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    whole = words[-1].replace("a", "b")
    assert call(*words[:-1], whole)[0] == 0
    if command == "run":  # a batch has its wall time in it
        assert (folder / whole).read_bytes() == (folder / words[-1]).read_bytes()


def test_runs_end_well_where_nothing_can_be_locked(folder, call, monkeypatch):
    """HDF5 would take its own locks, if it had a file."""

    def refuse(*arguments):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "TRUE")
    opened = []
    open_file = h5py.File.__init__

    def note(self, name, *arguments, **settings):
        opened.append((name, settings.get("driver")))
        open_file(self, name, *arguments, **settings)

    monkeypatch.setattr(h5py.File, "__init__", note)
    path = study(folder)
    with pytest.warns(RuntimeWarning, match="Cannot lock files"):
        assert call("run", path, "ring_3", "exact", "--out", "run.h5")[0] == 0
    assert call("show", "run.h5")[0] == 0
    # In memory, or through a stream of ours.
    assert opened
    assert all(
        driver == "core" or not isinstance(name, str | os.PathLike) for name, driver in opened
    )


def test_a_file_that_another_program_holds_is_read(finished, call):
    """HDF5 locks a file that it may write; ours can be read all the same."""
    with h5py.File("my results/runs/ring_3/exact.h5", "r+"):
        code, output, _ = call("show", "my results/runs/ring_3/exact.h5")
    assert code == 0
    assert "success" in output


def broken_deck(path):
    deck = "not JSON"
    with h5py.File(path, "r+") as file:
        file.attrs["deck"] = deck
        file.attrs["run_id"] = hashlib.sha256(deck.encode()).hexdigest()


def without_times(path):
    with h5py.File(path, "r+") as file:
        del file["times"]
        file["times"] = []


def without(key):
    def remove(path):
        with h5py.File(path, "r+") as file:
            del (file.attrs if key in file.attrs else file)[key]

    return remove


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:500]), "run.h5: it is truncated"),
        (lambda path: path.write_text("text"), "run.h5: it is truncated, damaged or not a"),
        (lambda path: (path.unlink(), path.mkdir()), "run.h5: it is a folder"),
        (broken_deck, "run.h5: it is truncated, damaged"),
        (without_times, "run.h5: it must have times, but has none"),
        *((without(k), "run.h5: it is truncated") for k in ("deck", "run_id", "result")),
        *((without(k), "run.h5: it is truncated") for k in ("observables", "diagnostics")),
        (lambda path: path.with_name("run.timing.json").write_text("{"), "run.timing.json: it is"),
        (lambda path: path.with_name("run.timing.json").write_text("[1]"), "timing.json: it is"),
        (lambda path: path.with_name("run.timing.json").write_text("{}"), "timing.json: it is"),
        (lambda path: path.with_name("run.timing.json").mkdir(), "timing.json: it is a folder"),
    ],
)
def test_show_says_what_is_wrong_with_a_file(finished, folder, call, damage, message):
    path = folder / "run.h5"
    shutil.copy(folder / "my results/runs/ring_3/exact.h5", path)
    damage(path)
    code, _, errors = call("show", path)
    assert (code, len(errors)) == (1, 1)
    assert message in errors[0]


def test_gather_says_which_batch_is_wrong(finished, folder, call):
    for content in (b"", b"text", b"PK\x03\x04" + bytes(100), (folder / "0.npz").read_bytes()[:99]):
        (folder / "1.npz").write_bytes(content)
        code, _, errors = call(*GATHER[:1], finished, *GATHER[2:], "new.h5")
        assert (code, len(errors)) == (1, 1)
        assert "1.npz: it is truncated, damaged or not a checkpoint" in errors[0]
    (folder / "0.timing.json").write_text("{}")
    code, _, errors = call(*GATHER[:1], finished, *GATHER[2:5], "--out", "new.h5")
    assert "0.timing.json: it is truncated" in errors[0]
    assert not (folder / "new.h5").exists()


def test_the_file_and_its_timing_are_those_that_are_documented(finished, folder):
    with reading(folder / "some.timing.json", "JSON") as stream:
        assert set(json.load(stream)) >= {"wall_seconds", "resumed", "peak_memory_MiB", "machine"}
    with h5py.File(folder / "some.h5") as file:
        assert file.attrs["schema_version"] == SCHEMA_VERSION


def test_version(call):
    code, output, _ = call("--version")
    assert (code, output) == (0, f"opentdvp {metadata.version('opentdvp')}\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a full disk of Linux")
def test_a_log_that_cannot_be_written_costs_no_run(folder, call):
    path = study(folder)
    assert call("run", path, "ring_3", "exact", "--out", "a.h5", "--log", "/dev/full")[0] == 0
    assert trajectory.read(folder / "a.h5").result == "success"


@pytest.mark.parametrize("read_only", [False, True])
def test_an_earlier_result_may_be_protected(folder, call, read_only):
    path = study(folder)
    words = ("run", path, "ring_3", "exact", "--out", "a.h5")
    assert call(*words)[0] == 0
    (folder / "a.h5").chmod(0o444 if read_only else 0o644)
    code, _, errors = call(*words)
    assert code == read_only
    assert ("it is read-only" in errors[0]) == read_only
