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
        f"{LOGS}/compare/{{comparison}}.log",
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
        copies=copies,
    shell:
        "opentdvp compare {params.config:q} {wildcards.comparison}"
        " {input.candidate:q} {input.reference:q}"
        " --points {output.points:q} --summary {output.summary:q} > {log:q} 2>&1"


# All plotted curves, all comparisons, all runs with what they have cost, and the best of each method.
rule overview:
    input:
        tables=[
            table(name)
            for name in STUDY.comparisons
            for table in (STUDY.output.summary, STUDY.output.points)
        ],
        runs=[STUDY.output.trajectory(run) for run in STUDY.used()],
        timings=[timing_path(STUDY.output.trajectory(run)) for run in STUDY.used()],
    output:
        closeness=report(
            f"{FIGURES}/closeness.html",
            caption="../report/closeness.rst",
            category="Comparisons",
            labels={"comparison": "Every plotted curve"},
        ),
        comparisons=report(
            f"{FIGURES}/overview.html",
            caption="../report/overview.rst",
            category="Comparisons",
            labels={"comparison": "All comparisons"},
        ),
        runs=report(
            f"{FIGURES}/runs.html",
            caption="../report/runs.rst",
            category="Costs",
            labels={"table": "All figures and runs"},
        ),
        panels=report(
            expand(f"{FIGURES}/{{table}}.html", table=PANELS),
            caption="../report/panels.rst",
            category="Comparisons",
            labels={"comparison": "Panels and methods"},
        ),
        tables=expand(f"{FIGURES}/{{table}}.md", table=["closeness", "overview", "runs", *PANELS]),
    log:
        f"{LOGS}/overview.log",
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
        shown=shown,
        folder=folder,
    shell:
        "opentdvp overview {params.config:q} --out {params.folder:q} 2> {log:q}"
