# What configurations share: an archive, from which runs are copied, and the folder of the results.


def found_in(study):
    """Files of the archive by run, as far as the study takes runs from one."""
    try:
        return archive.find(study)
    except OpentdvpError as error:
        raise WorkflowError(f"{CONFIG}: {error}") from error


RESTORED = found_in(STUDY)


# The configurations that have written to RESULTS, seen from there.
USERS = Path(RESULTS, "configurations.txt")


def users():
    """The other configurations that share RESULTS, as far as they still exist."""
    names = USERS.read_text(encoding="utf-8").splitlines() if USERS.exists() else []
    found = {Path(os.path.normpath(Path(RESULTS, name))) for name in names} - {CONFIG}
    return sorted(path for path in found if path.exists())


def refuse_runs_of_others():
    """Stop where a run of another configuration would be replaced by one that differs.

    Or by the same from elsewhere: each would undo what the other did, hours of computing maybe.
    """
    for other in users():
        try:
            study = load(other)
            theirs = archive.find(study)
        except OpentdvpError:
            continue
        for run in study.used():
            path = study.output.trajectory(run)
            ours = run in STUDY.used() and path == STUDY.output.trajectory(run)
            if not (ours and path.exists()):
                continue
            differs = study.deck(run).run_id != STUDY.deck(run).run_id
            if differs or theirs.get(run) != RESTORED.get(run):
                reason = f"{run.system} or {run.solver} differs" if differs else "`archive` differs"
                raise WorkflowError(
                    f"{CONFIG}: `output.results` must be another folder than that of {other}, whose "
                    f"{path} would be replaced, because {reason}."
                )


refuse_runs_of_others()


def note_use():
    """Remember that CONFIG has written to RESULTS."""
    lines = dict.fromkeys(os.path.relpath(path, RESULTS) for path in (*users(), CONFIG))
    USERS.parent.mkdir(parents=True, exist_ok=True)
    USERS.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


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
