# Solves the systems of the configuration, compares the runs and draws the figures:
#   snakemake --cores all                                    (default preset)
#   snakemake --cores all --configfile config/paper.yaml     (the paper's networks, days)
import sys

from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/common.smk"
include: "workflow/rules/sharing.smk"
include: "workflow/rules/restore.smk"
include: "workflow/rules/solve.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/figures.smk"


report: "workflow/report/workflow.rst"


# Seconds each: on a cluster they run where Snakemake does.
localrules:
    restore,
    compare,
    derive,
    plot,
    overview,


rule all:
    default_target: True
    input:
        summaries=expand(f"{TABLES}/{{comparison}}.summary.tsv", comparison=STUDY.comparisons),
        figures=expand(
            f"{FIGURES}/{{figure}}.{{format}}", figure=STUDY.figures, format=["pdf", "png"]
        ),
        tables=rules.overview.output,
        # Or a run that was deleted would not be missed while its tables are there.
        runs=[STUDY.output.trajectory(run) for run in STUDY.used()],


# The runs that no network takes part in, their comparisons and figures.
rule references:
    input:
        summaries=[STUDY.output.summary(name) for name in REFERENCE_COMPARISONS],
        figures=expand(
            f"{FIGURES}/{{figure}}.{{format}}", figure=REFERENCE_FIGURES, format=["pdf", "png"]
        ),


# Whether the solvers fit their systems is known before any of them starts.
onstart:
    shell("opentdvp validate {CONFIG:q}")
    sharing.note_use(STUDY, CONFIG)
    print(f"Progress of the jobs, in another terminal: tail -n 1 -F {' '.join(RUNNING)}")


# The report is made after every run that did something and left nothing to do; `snakemake --report
# FILE` makes it by hand.
onsuccess:
    remove_checkpoints()
    if all(Path(result).exists() for result in rules.all.input):
        shell(
            "{sys.executable:q} -m snakemake --snakefile {workflow.main_snakefile:q}"
            " --configfile {CONFIG:q} --nolock --report {RESULTS:q}/report.html"
        )
    shell("opentdvp verdicts {CONFIG:q}")
