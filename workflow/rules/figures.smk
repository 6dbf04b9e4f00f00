# What a figure shows that is derived from its runs: fronts, values of a scan, errors and costs.
rule derive:
    input:
        runs=drawn,
        timings=drawn_timings,
    output:
        table=f"{TABLES}/{{figure}}.figure.tsv",
    log:
        f"{LOGS}/derive/{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/derive/{{figure}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        config=CONFIG,
        layout=layout,
    shell:
        "opentdvp derive {params.config:q} {wildcards.figure} --out {output.table:q} 2> {log:q}"


# A figure; a change of how its kind is drawn draws it again.
rule plot:
    input:
        runs=drawn,
        timings=drawn_timings,
        tables=drawn_tables,
        drawing=drawing,
    output:
        pdf=f"{FIGURES}/{{figure}}.pdf",
        png=report(
            f"{FIGURES}/{{figure}}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        f"{LOGS}/plot/{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/plot/{{figure}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        config=CONFIG,
        layout=layout,
        runs=run_names,
    shell:
        "opentdvp plot {params.config:q} {wildcards.figure}"
        " --out {output.pdf:q} --out {output.png:q} 2> {log:q}"
