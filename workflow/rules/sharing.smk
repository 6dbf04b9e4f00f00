# What configurations share: an archive, from which runs are copied, and the folder of the results.


def found_in(study):
    """Files of the archive by run, as far as the study takes runs from one."""
    try:
        return archive.find(study)
    except OpentdvpError as error:
        raise WorkflowError(f"{CONFIG}: {error}") from error


RESTORED = found_in(STUDY)


def refuse_what_would_be_lost():
    """Stop where runs of another configuration, or settings that have changed, would be missed."""
    try:
        sharing.refuse_runs_of_others(STUDY, CONFIG, RESTORED)
        made.refuse_outdated(STUDY, CONFIG)
    except OpentdvpError as error:
        raise WorkflowError(str(error)) from error


refuse_what_would_be_lost()


def archived(wildcards):
    """File of a run in the archive, and what it has cost."""
    source = RESTORED[Run(system=wildcards.system, solver=wildcards.solver)]
    return {"trajectory": str(source), "timing": str(timing_path(source))}


# Runs that are made from the states that others have kept, unless the archive has them.
MEASURED_RUNS = [
    Run(system=name, solver=solver)
    for name, measurement in STUDY.measurements.items()
    for solver in measurement.solvers
    if Run(system=name, solver=solver) not in RESTORED
]


def pairs(runs):
    """System and solver of some runs, as a pattern of their files."""
    return "|".join(f"{run.system}/{run.solver}" for run in runs) or "none"


# A wildcard's constraint may look ahead, so that of the system also tells what solver may follow:
# only these pairs, or all but these.
SYSTEMS = "|".join(STUDY.systems)
COPIED, MEASURED = (f"(?=({pairs(runs)})[./])({SYSTEMS})" for runs in (RESTORED, MEASURED_RUNS))
COMPUTED = f"(?!({pairs([*RESTORED, *MEASURED_RUNS])})[./])({SYSTEMS})"


def evolution(wildcards):
    """File of the run that another one is measured from, and what it has cost."""
    run = STUDY.evolution(Run(system=wildcards.system, solver=wildcards.solver))
    source = STUDY.output.trajectory(run)
    return {"evolution": str(source), "evolution_timing": str(timing_path(source))}


def copies(wildcards):
    """Which runs of a comparison are copies, and of which files."""
    comparison = STUDY.comparisons[wildcards.comparison]
    sides = {"candidate": comparison.candidate, "reference": comparison.reference}
    return {role: str(RESTORED[run]) for role, run in sides.items() if run in RESTORED}
