# A figure of a comparison; a change of how it is drawn draws it again.
rule plot:
    input:
        candidate=drawn_candidate,
        reference=drawn_reference,
        points=drawn_points,
        drawing=DRAWING,
    output:
        pdf=f"{FIGURES}/{{figure}}.pdf",
        png=report(
            f"{FIGURES}/{{figure}}.png",
            caption="../report/dynamics.rst",
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
    shell:
        "opentdvp plot {params.config} {wildcards.figure}"
        " {input.candidate} {input.reference} {input.points}"
        " --out {output.pdf} --out {output.png} 2> {log}"
