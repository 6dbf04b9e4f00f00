# Other observables of a run, from the states that it has kept.
rule measure:
    input:
        unpack(evolution),
    output:
        trajectory=f"{RUNS}/{{system}}/{{solver}}.h5",
        timing=f"{RUNS}/{{system}}/{{solver}}.timing.json",
    log:
        f"{LOGS}/measure/{{system}}/{{solver}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/measure/{{system}}/{{solver}}.tsv"
    wildcard_constraints:
        system=MEASURED,
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=60,
    params:
        config=CONFIG,
        run_id=run_id,
    shell:
        "opentdvp measure {input.evolution:q} --config {params.config:q}"
        " --run {wildcards.system} {wildcards.solver} --out {output.trajectory:q} 2> {log:q}"
