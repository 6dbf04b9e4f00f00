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


# All comparisons in one table.
rule overview:
    input:
        summaries=[STUDY.output.summary(name) for name in STUDY.comparisons],
        runs=[trajectory(name, "candidate") for name in STUDY.comparisons],
        timings=[timing(name) for name in STUDY.comparisons],
    output:
        report(f"{FIGURES}/overview.md", caption="../report/overview.rst", category="Comparisons"),
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
        "opentdvp overview {params.config} --out {output} 2> {log}"
