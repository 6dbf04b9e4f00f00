# A system solved by one job.
rule solve:
    output:
        trajectory=f"{RUNS}/{{system}}/{{solver}}.h5",
        timing=f"{RUNS}/{{system}}/{{solver}}.timing.json",
    log:
        f"{LOGS}/solve/{{system}}/{{solver}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/solve/{{system}}/{{solver}}.tsv"
    wildcard_constraints:
        system=COMPUTED,
        solver="|".join(WHOLE) or "none",
    conda:
        "../../environment.yml"
    threads: run_threads
    resources:
        mem_mb=memory,
        runtime=120,
    params:
        config=CONFIG,
        run_id=run_id,
        checkpoint=checkpoint,
        launch=launch,
        time_limit=time_limit,
    shell:
        "{params.launch} {params.config:q} {wildcards.system} {wildcards.solver} {params.time_limit}"
        " --out {output.trajectory:q} --checkpoint {params.checkpoint:q} --keep-checkpoint 2> {log:q}"


# A system solved by a network: the longest jobs, so they come first, in the order in which the
# configuration lists their solvers.
use rule solve as evolve with:
    wildcard_constraints:
        system=COMPUTED,
        solver="|".join(NETWORKS) or "none",
    priority: listed_first


# Some of the independent trajectories of a stochastic solver.
rule batch:
    output:
        states=f"{RUNS}/{{system}}/{{solver}}/{{batch}}.npz",
        timing=f"{RUNS}/{{system}}/{{solver}}/{{batch}}.timing.json",
    log:
        f"{LOGS}/batch/{{system}}/{{solver}}/{{batch}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/batch/{{system}}/{{solver}}/{{batch}}.tsv"
    wildcard_constraints:
        system=COMPUTED,
        solver="|".join(STOCHASTIC) or "none",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=batch_memory,
        runtime=120,
    params:
        config=CONFIG,
        run_id=batch_id,
        numbers=batch_numbers,
        checkpoint=batch_checkpoint,
        time_limit=time_limit,
    shell:
        "opentdvp batch {params.config:q} {wildcards.system} {wildcards.solver} {wildcards.batch}"
        " {params.time_limit} --out {output.states:q}"
        " --checkpoint {params.checkpoint:q} --keep-checkpoint 2> {log:q}"


# Averages of all batches of a stochastic solver.
rule gather:
    input:
        batches=batches,
    output:
        trajectory=f"{RUNS}/{{system}}/{{solver}}.h5",
        timing=f"{RUNS}/{{system}}/{{solver}}.timing.json",
    log:
        f"{LOGS}/gather/{{system}}/{{solver}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/gather/{{system}}/{{solver}}.tsv"
    wildcard_constraints:
        system=COMPUTED,
        solver="|".join(STOCHASTIC) or "none",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        config=CONFIG,
        run_id=run_id,
    shell:
        "opentdvp gather {params.config:q} {wildcards.system} {wildcards.solver} {input.batches:q}"
        " --out {output.trajectory:q} > {log:q} 2>&1"
