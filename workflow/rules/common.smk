# The validated configuration, where results go, and which runs a target needs.
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError

from opentdvp import figures
from opentdvp.config import Run, StochasticSolver, load
from opentdvp.errors import OpentdvpError
from opentdvp.timing import timing_path

# The commands read the last --configfile, or else the default one.
CONFIG = Path(os.path.relpath((workflow.overwrite_configfiles or workflow.configfiles)[-1]))


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
RESULTS, FIGURES = STUDY.output.results, STUDY.output.figures
DRAWING = sorted(os.path.relpath(path) for path in Path(figures.__file__).parent.glob("*.py"))
RUNS, TABLES = f"{RESULTS}/runs", f"{RESULTS}/tables"


# Solvers whose trajectories are independent jobs.
STOCHASTIC = [name for name, s in STUDY.solvers.items() if isinstance(s, StochasticSolver)]
WHOLE = [name for name in STUDY.solvers if name not in STOCHASTIC]


wildcard_constraints:
    system="|".join(STUDY.systems),
    solver="|".join(STUDY.solvers),
    batch=r"\d+",
    comparison="|".join(STUDY.comparisons) or "none",
    figure="|".join(STUDY.figures) or "none",


def run_id(wildcards):
    """Identity of a run: a change of its system or solver runs it again."""
    return STUDY.deck(Run(system=wildcards.system, solver=wildcards.solver)).run_id


def checkpoint(wildcards):
    """Outside the outputs, so that a killed job does not lose it; one per deck."""
    return f"{RESULTS}/checkpoints/{run_id(wildcards)[:16]}.npz"


def memory(wildcards):
    """Megabytes of a run: exact evolution of 16 spins takes 7.4 GB, everything else little."""
    spins = STUDY.systems[wildcards.system].lattice.n_sites
    exact = STUDY.solvers[wildcards.solver].method == "exact_reduced"
    return 10000 if exact and spins > 12 else 4000


def batches(wildcards):
    """Files of all batches of a stochastic solver."""
    count = STUDY.solvers[wildcards.solver].batches
    return [f"{RUNS}/{wildcards.system}/{wildcards.solver}/{k}.npz" for k in range(count)]


def batch_checkpoint(wildcards):
    """As `checkpoint`, of one batch."""
    return f"{RESULTS}/checkpoints/{run_id(wildcards)[:16]}-{wildcards.batch}.npz"


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
    """Trajectories that a figure draws."""
    return [str(STUDY.output.trajectory(r)) for r in STUDY.drawn(STUDY.figures[wildcards.figure])]


def drawn_points(wildcards):
    """Differences that a figure draws as residuals, if it is one of a comparison."""
    figure = STUDY.figures[wildcards.figure]
    return [f"{TABLES}/{figure.comparison}.points.tsv"] if figure.kind == "dynamics" else []


def tolerance(wildcards):
    """Tolerances of a comparison, so that a change of them makes its tables anew."""
    return STUDY.comparisons[wildcards.comparison].tolerance.model_dump_json()


def layout(wildcards):
    """What a figure shows, so that a change of it draws it anew."""
    return STUDY.figures[wildcards.figure].model_dump_json()
