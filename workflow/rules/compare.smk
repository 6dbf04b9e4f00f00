# A run judged by its reference.
rule compare:
    input:
        candidate=candidate,
        reference=reference,
    output:
        points=f"{TABLES}/{{comparison}}.points.tsv",
        summary=report(
            f"{TABLES}/{{comparison}}.summary.tsv",
            caption="../report/comparison.rst",
            category="Comparisons",
            labels={"comparison": "{comparison}"},
        ),
    log:
        f"{RESULTS}/logs/compare/{{comparison}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/compare/{{comparison}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        config=CONFIG,
        tolerance=tolerance,
    shell:
        "opentdvp compare {params.config} {wildcards.comparison} {input.candidate} {input.reference}"
        " --points {output.points} --summary {output.summary} > {log} 2>&1"


# All comparisons in one table, and all runs with what they have cost in another.
rule overview:
    input:
        summaries=[STUDY.output.summary(name) for name in STUDY.comparisons],
        runs=[STUDY.output.trajectory(run) for run in STUDY.used()],
        timings=[timing_path(STUDY.output.trajectory(run)) for run in STUDY.used()],
    output:
        comparisons=report(
            f"{FIGURES}/overview.md", caption="../report/overview.rst", category="Comparisons"
        ),
        runs=report(f"{FIGURES}/runs.md", caption="../report/runs.rst", category="Comparisons"),
    log:
        f"{RESULTS}/logs/overview.log",
    benchmark:
        f"{RESULTS}/benchmarks/overview.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        config=CONFIG,
    shell:
        "opentdvp overview {params.config} --out {output.comparisons} --runs {output.runs} 2> {log}"
