# A run from the archive, where another configuration with the same deck has put it; before all that
# takes long, or an archive that is damaged meanwhile would be told of hours later.
rule restore:
    input:
        unpack(archived),
    output:
        trajectory=f"{RUNS}/{{system}}/{{solver}}.h5",
        timing=f"{RUNS}/{{system}}/{{solver}}.timing.json",
    log:
        f"{LOGS}/restore/{{system}}/{{solver}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/restore/{{system}}/{{solver}}.tsv"
    wildcard_constraints:
        system=COPIED,
    priority: 2
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        config=CONFIG,
        run_id=run_id,
    shell:
        "opentdvp restore {params.config:q} {wildcards.system} {wildcards.solver}"
        " --out {output.trajectory:q} > {log:q} 2>&1"
