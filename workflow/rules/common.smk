# The validated configuration, where results go, and which runs a target needs.
import os
import sys
import sysconfig
from pathlib import Path
from shlex import quote

from snakemake.exceptions import WorkflowError

from opentdvp import figures
from opentdvp.config import Run, StochasticSolver, TdvpSolver, load
from opentdvp.errors import OpentdvpError
from opentdvp.pipeline.jobs import threads
from opentdvp.running.keeper import remove
from opentdvp.records.timing import timing_path
from opentdvp.study import archive, last_words, made, sharing

# The commands read the last --configfile, or else this one, which Snakemake itself does not read:
# its errors would not name the key.
CONFIG = Path(os.path.relpath((workflow.overwrite_configfiles or ["config/config.yaml"])[-1]))

# The rules call the command beside the Python of Snakemake, whether that is activated or not, and
# no file in the working directory takes the place of a module, such as a yaml.py.
COMMANDS = os.pathsep.join([sysconfig.get_path("scripts"), os.getenv("PATH", os.defpath)])
os.environ.update(PATH=COMMANDS, PYTHONSAFEPATH="1")


def validated_study():
    """The study in CONFIG; every error of the configuration stops the workflow here."""
    if workflow.config_settings.config or len(workflow.overwrite_configfiles) > 1:
        raise WorkflowError(
            f"The configuration must be that of {CONFIG}, because every command reads that file, but "
            "--config or another --configfile changes it; use a file with `extends: config.yaml`."
        )
    try:
        return load(CONFIG)
    except OpentdvpError as error:
        raise WorkflowError(str(error)) from error


STUDY = validated_study()
# Captions of the report see the scans written out.
config.update(STUDY.model_dump(mode="json"))
# For the first page of the report.
config["verdicts"] = last_words(STUDY) if "--report" in sys.argv else []
workflow.configfiles[:] = [str(CONFIG)]
RESULTS, FIGURES = STUDY.output.results, STUDY.output.figures
# A page more, where the configuration says which panels there are.
PANELS = ["panels"] if STUDY.panels else []
RUNS, TABLES, LOGS = f"{RESULTS}/runs", f"{RESULTS}/tables", f"{RESULTS}/logs"


# Solvers whose trajectories are independent jobs, networks, and all others.
STOCHASTIC = [name for name, s in STUDY.solvers.items() if isinstance(s, StochasticSolver)]
NETWORKS = [name for name, s in STUDY.solvers.items() if isinstance(s, TdvpSolver)]
WHOLE = [name for name in STUDY.solvers if name not in (*STOCHASTIC, *NETWORKS)]

# Logs that tell the progress of runs, for the shell.
RUNNING = [f"{quote(LOGS)}/solve/*/*.log"]
if STOCHASTIC:
    RUNNING.append(f"{quote(LOGS)}/batch/*/*/*.log")


def listed_first(wildcards):
    """Priority of a network: below that of copies, above that of all others."""
    return 2 - (1 + NETWORKS.index(wildcards.solver)) / (1 + len(NETWORKS))


def without_networks(runs):
    """Whether only references take part."""
    return all(run.solver not in NETWORKS for run in runs)


REFERENCE_COMPARISONS = [
    name for name, c in STUDY.comparisons.items() if without_networks([c.candidate, c.reference])
]
REFERENCE_FIGURES = [
    name for name, figure in STUDY.figures.items() if without_networks(STUDY.drawn(figure))
]


wildcard_constraints:
    system="|".join(STUDY.systems),
    solver="|".join(STUDY.solvers),
    batch=r"\d+",
    comparison="|".join(STUDY.comparisons) or "none",
    figure="|".join(STUDY.figures) or "none",


def run_of(wildcards):
    """The run of a job."""
    return Run(system=wildcards.system, solver=wildcards.solver)


def run_id(wildcards):
    """Identity of a run: a change of its system or solver runs it again."""
    return STUDY.deck(run_of(wildcards)).run_id


def checkpoint(wildcards):
    """Outside the outputs, so that a killed job does not lose it; one per run and deck."""
    return str(STUDY.output.checkpoint(run_of(wildcards), run_id(wildcards)))


def memory(wildcards, attempt):
    """Megabytes of a run: exact evolution of 16 spins takes 7.4 GB, everything else little.

    A run that is tried again gets more, but not forever, for one that reached its time limit needs
    no more than before.
    """
    spins = STUDY.systems[wildcards.system].lattice.n_sites
    exact = STUDY.solvers[wildcards.solver].method == "exact_reduced"
    return (10000 if exact and spins > 12 else 4000) * min(attempt, 3)


def batch_memory(wildcards, attempt):
    """As `memory`, of one batch."""
    return 2000 * min(attempt, 3)


def run_threads(wildcards):
    """Threads of a run; Snakemake tells the command by OMP_NUM_THREADS."""
    return threads(STUDY.deck(run_of(wildcards)))


def launch(wildcards, resources):
    """Command of a run; a profile with the resources `mpi` and `tasks` spreads it over tasks."""
    starter = resources.get("mpi")
    if not starter:
        return "opentdvp run"
    return f"{starter} --ntasks {resources.tasks} opentdvp run --distributed"


def time_limit(wildcards, resources):
    """Option that stops a run, saved, some seconds before its `runtime` is over.

    Only profiles with a resource `stop_early` ask for that: on one's own machine nothing ends a job
    after its `runtime`.
    """
    early = resources.get("stop_early")
    return f"--time-limit {60 * resources.runtime - early}" if early else ""


def batch_id(wildcards):
    """Identity of what all batches of a run have in common, however many there are."""
    return STUDY.deck(run_of(wildcards)).batch_id


def batch_numbers(wildcards):
    """The first trajectory of a batch, and the one after its last.

    More trajectories make no batch anew but the last one, if that was not full.
    """
    numbers = STUDY.solvers[wildcards.solver].numbers(int(wildcards.batch))
    return [numbers.start, numbers.stop]


def batches(wildcards):
    """Files of all batches of a stochastic solver."""
    count = STUDY.solvers[wildcards.solver].batches
    return [str(STUDY.output.batch(run_of(wildcards), k)) for k in range(count)]


def batch_checkpoint(wildcards):
    """As `checkpoint`, of one batch."""
    run, deck, batch = run_of(wildcards), batch_id(wildcards), int(wildcards.batch)
    return str(STUDY.output.checkpoint(run, deck, batch))


def remove_checkpoints():
    """Delete those of all jobs that are done.

    Not the job itself does it: Snakemake deletes what a job has written if it is interrupted before
    it has noted that the job is done. The next start then goes on from the last checkpoint.
    """
    for job in workflow.dag.jobs:
        if "checkpoint" in job.params.keys() and all(map(os.path.exists, job.output)):
            remove(Path(job.params.checkpoint))


def trajectory(comparison, role):
    """Trajectory file of one of the two runs of a comparison."""
    return str(STUDY.output.trajectory(getattr(STUDY.comparisons[comparison], role)))


def candidate(wildcards):
    """Trajectory that a comparison judges."""
    return trajectory(wildcards.comparison, "candidate")


def reference(wildcards):
    """Trajectory that a comparison judges by."""
    return trajectory(wildcards.comparison, "reference")


def drawn(wildcards):
    """Trajectories that a figure shows."""
    return [str(STUDY.output.trajectory(r)) for r in STUDY.drawn(STUDY.figures[wildcards.figure])]


def drawn_timings(wildcards):
    """What they have cost, where it is said whether they are copies."""
    return [str(timing_path(Path(run))) for run in drawn(wildcards)]


def run_names(wildcards):
    """System and solver of all runs of a figure, for its caption, and what they are copies of."""
    runs = STUDY.drawn(STUDY.figures[wildcards.figure])
    return [(run.system, run.solver, str(RESTORED.get(run, ""))) for run in runs]


def drawn_tables(wildcards):
    """Tables that a figure shows: differences of its comparisons, or what is derived for it."""
    figure = STUDY.figures[wildcards.figure]
    points = [str(STUDY.output.points(name)) for name in figure.compared()]
    return points + ([str(STUDY.output.derived(wildcards.figure))] if figure.derived else [])


def drawing(wildcards):
    """The code that draws a figure: its kind's module, and what all share."""
    return list(map(os.path.relpath, figures.drawing(STUDY.figures[wildcards.figure].kind)))


def tolerance(wildcards):
    """Tolerances of a comparison, so that a change of them makes its tables anew."""
    return STUDY.comparisons[wildcards.comparison].tolerance.model_dump_json()


def layout(wildcards):
    """What a figure shows, so that a change of it draws it anew."""
    figure = STUDY.figures[wildcards.figure]
    published = [STUDY.published[name].model_dump_json() for name, _ in figure.series()]
    judged = map(":".join, figure.judged(STUDY.comparisons))
    return [figure.model_dump_json(), *published, *judged]


def folder(wildcards, output):
    """Where the overview goes."""
    return os.path.dirname(output.closeness)


def shown(wildcards):
    """What the overview lists, so that a change of it makes its tables anew."""
    return STUDY.model_dump_json(include={"comparisons", "figures", "published", "panels"})
