"""Whatever is damaged or mistyped: each command ends with a clear line, and harms no other file."""

import contextlib
import hashlib
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from damage import damage_configuration, damage_file, damaged_words
from pipeline import TINY

from opentdvp.running.signals import CONTINUE

pytestmark = pytest.mark.slow

CASES, PER_TEST = 560, 28

#: Seconds that a command that only reads may take; and those after which a run is asked to stop.
PATIENCE, RUNNING = 60, 4

#: Bytes of a process; what would need more is to be refused before.
MEMORY = 6 * 2**30

RUN = "results/runs/ring_3"
CONFIG, NETWORK = "my config.yaml", "network.yaml"

#: Every command by name: its arguments, the files that it reads, and those that it may write.
COMMANDS = {
    "validate": (["validate", CONFIG], [CONFIG], []),
    "validate a network": (["validate", NETWORK], [CONFIG, NETWORK, "markov.py"], []),
    "run": (
        ["run", CONFIG, "ring_3", "exact", "--out", "new.h5", "--checkpoint", "new.npz"],
        [CONFIG],
        ["new"],
    ),
    "run again": (
        ["run", CONFIG, "ring_3", "reduced", "--out", f"{RUN}/reduced.h5"],
        [CONFIG, f"{RUN}/reduced.h5", f"{RUN}/reduced.timing.json"],
        [f"{RUN}/reduced"],
    ),
    "run matrix products": (
        ["run", CONFIG, "ring_3", "mpo", "--out", "new.h5"],
        [CONFIG],
        ["new"],
    ),
    "resume": (
        ["run", CONFIG, "ring_3", "resumed", "--out", "r.h5", "--checkpoint", "cut.npz"],
        [CONFIG, "cut.npz", "cut.previous.npz"],
        ["r", "cut"],
    ),
    "batch": (
        ["batch", CONFIG, "ring_3", "mcwf", "1", "--out", "b.npz", "--checkpoint", "c.npz"],
        [CONFIG],
        ["b", "c"],
    ),
    "gather": (
        ["gather", CONFIG, "ring_3", "mcwf", "0.npz", "1.npz", "--out", f"{RUN}/mcwf.h5"],
        [CONFIG, "0.npz", "1.npz", "0.timing.json"],
        [f"{RUN}/mcwf"],
    ),
    "restore": (
        ["restore", CONFIG, "ring_3", "exact", "--out", "restored.h5"],
        [CONFIG, "archive/runs/ring_3/exact.h5", "archive/runs/ring_3/exact.timing.json"],
        ["restored"],
    ),
    "compare": (
        [
            *("compare", CONFIG, "ring_3", f"{RUN}/reduced.h5", f"{RUN}/exact.h5"),
            *("--points", "points.tsv", "--summary", "summary.tsv"),
        ],
        [CONFIG, f"{RUN}/reduced.h5", f"{RUN}/exact.h5"],
        ["points.tsv", "summary.tsv"],
    ),
    **{
        f"derive {figure}": (
            ["derive", CONFIG, figure, "--out", "derived.tsv"],
            [CONFIG, f"{RUN}/exact.h5", "results/runs/ring_3/tolerances_r6.h5"],
            ["derived.tsv"],
        )
        for figure in ("front", "scan", "costs")
    },
    **{
        f"plot {figure}": (
            ["plot", CONFIG, figure, "--out", "drawn.png", "--out", "drawn.pdf"],
            [CONFIG, f"{RUN}/exact.h5", f"{RUN}/reduced.h5", *tables],
            ["drawn.png", "drawn.pdf"],
        )
        for figure, tables in {
            "dynamics": ["results/tables/ring_3.points.tsv"],
            "heatmap": ["results/tables/ring_3.points.tsv"],
            "front": ["results/tables/front.figure.tsv"],
            "scan": ["results/tables/scan.figure.tsv"],
            "costs": ["results/tables/costs.figure.tsv"],
            "runs": [],
            "scheme": [],
        }.items()
    },
    "overview": (
        ["overview", CONFIG, "--out", "figures"],
        [CONFIG, f"{RUN}/exact.h5", f"{RUN}/exact.timing.json", "results/tables/ring_3.points.tsv"],
        [f"figures/{name}" for name in ("closeness", "overview", "runs", "panels")],
    ),
    "overview of what is finished": (
        ["overview", CONFIG, "--out", "figures", "--finished"],
        [CONFIG, f"{RUN}/reduced.h5", "results/tables/tolerances_r6.summary.tsv"],
        [f"figures/{name}" for name in ("closeness", "overview", "runs", "panels")],
    ),
    "verify": (
        ["verify", CONFIG],
        [CONFIG, f"{RUN}/exact.h5", "figures/runs.png", "results/tables/ring_3.summary.tsv"],
        [],
    ),
    "show": (
        ["show", f"{RUN}/exact.h5"],
        [f"{RUN}/exact.h5", f"{RUN}/exact.timing.json"],
        [],
    ),
}


def configuration():
    """The tiny one, without the network, with every other kind of solver."""
    tree = yaml.safe_load(TINY.read_text())
    precise = {"relative_tolerance": 1e-6, "absolute_tolerance": 1e-8}
    tree["solvers"] = {
        "exact": tree["solvers"]["exact"],
        "resumed": {"method": "exact", **precise},
        "reduced": {"method": "exact_reduced", **precise},
        "mcwf": {"method": "mcwf", "seed": 1, "trajectories": 4, "batch": 2, **precise},
        "mpo": {
            "method": "mpo",
            "chain": "finite",
            "bond_dimension": 8,
            "singular_value_cutoff": 0,
            "time_step": 0.05,
            "order": 2,
        },
    }
    tree["archive"] = {"results": "archive", "solvers": ["exact"]}
    tree["comparisons"]["ring_3"]["candidate"]["solver"] = "reduced"
    del tree["figures"]["residuals"]
    for run in (tree["figures"]["heatmap"]["rows"][0]["run"], tree["figures"]["runs"]["runs"][0]):
        run["solver"] = "reduced"
    return tree


def network():
    """What a configuration with a network of one's own adds to it."""
    solver = yaml.safe_load(TINY.read_text())["solvers"]["tdvp"]
    custom = {"kind": "custom", "file": "markov.py", "name": "Markov", "options": {"width": 3}}
    runs = [{"system": "ring_3", "solver": name} for name in ("tdvp", "custom")]
    figure = {"kind": "diagnostics", "time_label": "t", "diagnostics": ["residual"], "runs": runs}
    return {
        "extends": CONFIG,
        "solvers": {"tdvp": solver, "custom": solver | {"network": custom}},
        "figures": {"residuals": figure},
    }


def run_command(words, folder, log):
    """The command line in a process of its own; its words go to a file."""
    os.chdir(folder)
    with open(log, "wb", 0) as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    from opentdvp import cli

    sys.argv = ["opentdvp", *words]
    cli.main()


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """Call a command in a folder: its exit status and what it said."""
    context = multiprocessing.get_context("forkserver")
    heavy = ("jax", "qutip", "tenpy", "matplotlib.pyplot", "flax.linen")
    context.set_forkserver_preload(["opentdvp.cli", "opentdvp.study.drawing", *heavy])
    log = tmp_path_factory.mktemp("log") / "log.txt"

    def run(words, folder):
        process = context.Process(target=run_command, args=(words, folder, log))
        process.start()
        process.join(RUNNING if words[0] in ("run", "batch") else PATIENCE)
        late = process.exitcode is None
        if late:
            os.kill(process.pid, signal.SIGTERM)
            process.join(10)
            process.kill()
            process.join()
        return process.exitcode, log.read_text(errors="replace"), late

    return run


@pytest.fixture(scope="module")
def finished(tmp_path_factory, call):
    """A folder in which every command has been used, and files that are nobody's business."""
    folder = tmp_path_factory.mktemp("finished work")
    (folder / CONFIG).write_text(yaml.safe_dump(configuration(), sort_keys=False))
    (folder / NETWORK).write_text(yaml.safe_dump(network(), sort_keys=False))
    source = Path(__file__).parents[1] / "docs" / "own_network.md"
    (folder / "markov.py").write_text(source.read_text().split("```python\n")[1].split("```")[0])
    for name in (".new.local", ".reduced.env", ".b.secret", "new", "mine.txt"):
        (folder / name).write_text("mine")

    def must(*words):
        status, said, _ = call(list(words), str(folder))
        assert status == 0, (words, said)

    for solver in ("exact", "reduced", "tolerances_r6", "tolerances_r7", "mpo"):
        must("run", CONFIG, "ring_3", solver, "--out", f"{RUN}/{solver}.h5")
    (folder / "archive/runs/ring_3").mkdir(parents=True)
    for name in ("exact.h5", "exact.timing.json"):
        shutil.copy(folder / RUN / name, folder / "archive/runs/ring_3")
    must("restore", CONFIG, "ring_3", "exact", "--out", f"{RUN}/exact.h5")
    for number in "01":
        must("batch", CONFIG, "ring_3", "mcwf", number, "--out", f"{number}.npz")
    for name, solver in (("ring_3", "reduced"), *(2 * (f"tolerances_{r}",) for r in ("r6", "r7"))):
        written = (f"results/tables/{name}.{table}.tsv" for table in ("points", "summary"))
        options = [w for pair in zip(("--points", "--summary"), written, strict=True) for w in pair]
        must("compare", CONFIG, name, f"{RUN}/{solver}.h5", f"{RUN}/exact.h5", *options)
    for figure in ("front", "scan", "costs"):
        must("derive", CONFIG, figure, "--out", f"results/tables/{figure}.figure.tsv")
    for figure in yaml.safe_load((folder / CONFIG).read_text())["figures"]:
        must("plot", CONFIG, figure, "--out", f"figures/{figure}.png")
    must("overview", CONFIG, "--out", "figures")
    must("verify", CONFIG)
    for name in ("cut.npz", "cut.previous.npz"):
        keep_a_checkpoint(folder, name)
    return folder


def keep_a_checkpoint(folder, name):
    """One of the run `resumed`, from its start."""
    from opentdvp import config
    from opentdvp.config import Run
    from opentdvp.physics.model import build_model
    from opentdvp.records import checkpoint
    from opentdvp.references.exact import full

    deck = config.load(folder / CONFIG).deck(Run(system="ring_3", solver="resumed"))
    model = build_model(deck.system)
    state = full._start(model, deck, full._measurement(deck, model))
    checkpoint.save(state, deck.run_id, folder / name)


def contents(folder):
    """Hash, or kind, of everything in a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_dir():
            found[name] = "folder"
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def belongs(name, outputs):
    """Whether a file is an output, or one that is named after it."""
    stems = [output.removesuffix(".h5").removesuffix(".npz") for output in outputs]
    return any(name == stem or name.startswith(f"{stem}.") for stem in stems)


def prepared(chance, folder, name):
    """Arguments of a command in a folder with one fault, and which files it may write."""
    words, reads, writes = COMMANDS[name]
    files = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    kind = chance.choice(["configuration", "configuration", "file", "words"])
    if kind == "words":
        return damaged_words(chance, words, files), None
    where = chance.choice([r for r in reads if r.endswith(".yaml") == (kind != "file")] or reads)
    if where.endswith(".yaml"):
        damage_configuration(chance, folder / where)
    elif (folder / where).exists():
        damage_file(chance, folder / where, [folder / other for other in files])
    return words, writes


def outputs_named(words):
    """What the options of a command ask to write."""
    options = ("--out", "--checkpoint", "--points", "--summary", "--log")
    return [after for word, after in pairwise(words) if word in options]


def faults(status, said, late, before, after, words, writes):
    """What is wrong with how a command has ended."""
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    asked = outputs_named(words) if writes is None else writes
    folders = {str(parent) for name in asked for parent in Path(name).parents}
    # Through a link the file that it leads to is written.
    linked = {str(Path(name).with_name("nowhere")) for name in before if "link" in before[name]}
    inside = asked if words[0] == "overview" else []
    for name in changed:
        allowed = belongs(name, asked) or name in folders | linked
        allowed |= any(name.startswith(f"{folder}/") for folder in inside)
        # An input may not be written even if it is asked for.
        if not allowed or (name in words[1:] and name not in outputs_named(words)):
            yield f"changed {name}"
        elif name.endswith((".yaml", ".py", ".txt")) or name.startswith("."):
            yield f"overwrote {name}"
    if "Traceback" in said:
        yield "traceback"
    if late and words[0] not in ("run", "batch"):
        yield "hangs"
    expected = (0, 1, 2, CONTINUE) if late or status != CONTINUE else ()
    if status not in expected:
        yield f"exit status {status}"
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    if status == 1 and len(errors) != 1:
        yield f"{len(errors)} error lines"
    if status == 1 and errors and len(errors[0]) > 1500:
        yield "long error"


@pytest.mark.parametrize("number", range(CASES // PER_TEST))
def test_commands_end_clearly_and_harm_nothing(tmp_path, finished, call, number):
    chance = random.Random(number)
    wrong = []
    for case in range(PER_TEST):
        folder = tmp_path / f"{case} work"
        shutil.copytree(finished, folder)
        name = chance.choice(list(COMMANDS))
        words, writes = prepared(chance, folder, name)
        before = contents(folder)
        status, said, late = call(words, str(folder))
        found = list(faults(status, said, late, before, contents(folder), words, writes))
        if found:
            wrong.append(f"case {case}, {name}: {found}\n  {words}\n  {said[-1500:]}")
        else:
            with contextlib.suppress(OSError):
                shutil.rmtree(folder)
    assert not wrong, f"{len(wrong)} of {PER_TEST}:\n" + "\n".join(wrong)
