# A figure of one or more runs; a change of how it is drawn draws it again.
rule plot:
    input:
        runs=drawn,
        points=drawn_points,
        drawing=DRAWING,
    output:
        pdf=f"{FIGURES}/{{figure}}.pdf",
        png=report(
            f"{FIGURES}/{{figure}}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        f"{RESULTS}/logs/plot/{{figure}}.log",
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
        points=lambda wildcards, input: f"--points {input.points}" if input.points else "",
    shell:
        "opentdvp plot {params.config} {wildcards.figure} {input.runs} {params.points}"
        " --out {output.pdf} --out {output.png} 2> {log}"
