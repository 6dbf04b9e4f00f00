# A system solved by a solver.
rule solve:
    output:
        trajectory=f"{RUNS}/{{system}}/{{solver}}.h5",
        timing=f"{RUNS}/{{system}}/{{solver}}.timing.json",
    log:
        f"{RESULTS}/logs/solve/{{system}}/{{solver}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/solve/{{system}}/{{solver}}.tsv"
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        config=CONFIG,
        run_id=run_id,
        checkpoint=checkpoint,
    shell:
        "opentdvp run {params.config} {wildcards.system} {wildcards.solver}"
        " --out {output.trajectory} --checkpoint {params.checkpoint} 2> {log}"
