"""Time one TDVP right-hand side of opentdvp and print the result as one JSON object.

The state is an evolved one, because how far local estimates have to be followed depends on how well
the network forgets: a network is size-independent, so parameters from a short run of a small system
serve for every size. `--exact` also evaluates the estimates without forgetting bound and in double
precision, and prints the root-mean-square difference in standard deviations.
"""

import json
import os
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from decks import SystemName, build, evolved_state


def main(
    system: SystemName,
    size: Annotated[str, typer.Option(help="N or LxxLy")],
    orbit: str = "all",
    samples: int = 1000,
    width: int = 12,
    depth: int = 2,
    cell: str = "vanilla",
    bound: Annotated[float, typer.Option(help="forgetting bound; 0 is exact")] = 1e-4,
    precision: str = "single",
    images: Annotated[int, typer.Option(help="images evaluated together")] = 500,
    threads: int = 1,
    repeats: int = 3,
    exact: bool = False,
    states: Annotated[Path, typer.Option(help="where evolved states are kept")] = Path("results")
    / "benchmarks",
) -> None:
    """Time one right-hand side."""
    use_threads(threads)
    shape = tuple(int(length) for length in size.split("x"))
    network = {"width": width, "depth": depth, "cell": cell}
    settings = {
        "orbit": orbit if not orbit.isdigit() else int(orbit),
        "samples": samples,
        "bound": bound,
        "sequence": "random",
        "precision": precision,
        "images": images,
    }
    theta = evolved_state(system, network, states)
    result = {"settings": {"system": system, "size": size, **network, **settings}}
    result |= measure(build(system, shape, network, settings), theta, repeats, exact)
    typer.echo(json.dumps(result))


def use_threads(threads: int) -> None:
    """Bound the threads of XLA and BLAS; they read this when they are loaded."""
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(threads)
    # XLA takes the size of its pool from NPROC where that is set.
    os.environ["NPROC"] = str(threads)
    if threads == 1:
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        os.environ["XLA_FLAGS"] = flags


def measure(deck: Any, theta: Any, repeats: int, exact: bool) -> dict[str, Any]:
    """Seconds of the stages, memory, and the estimates' windows and error."""
    import jax
    import jax.numpy as jnp

    from opentdvp.engine.assembly import assemble

    problem = assemble(deck.system, deck.solver, jax.random.key(1)).problem
    theta = jnp.array(theta)
    outcomes, found, cpu, wall = stages(problem, theta, repeats)
    result = costs(theta, cpu, wall)
    result["window"] = {
        end: int(found.diagnostics[f"window_{end}"].max()) for end in ("prefix", "suffix")
    }
    if exact:
        result["estimate_error"] = estimate_error(problem, theta, outcomes, found.value)
    return result


def costs(theta: Any, cpu: dict[str, float], wall: dict[str, float]) -> dict[str, Any]:
    """Seconds by stage and in all, number of parameters, and the peak memory of this process."""
    import jax

    return {
        "network_parameters": theta.size,
        "device": jax.devices()[0].device_kind,
        "cpu_seconds": cpu | {"total": sum(cpu.values())},
        "wall_seconds": wall | {"total": sum(wall.values())},
        "peak_memory_bytes": peak_memory(),
    }


def stages(problem: Any, theta: Any, repeats: int) -> tuple[Any, Any, dict, dict]:
    """Outcomes, their local estimates, and CPU and wall seconds of every stage."""
    import jax
    import jax.numpy as jnp

    from opentdvp.engine.principle.normal_equations import Regression, solve
    from opentdvp.engine.principle.right_hand_side import log_derivatives
    from opentdvp.engine.sampling.ensemble import Purpose

    def draw(theta: Any, state: Any, key: Any) -> Any:
        return problem.sampler.draw(Purpose.SOLVE, theta, state, key)[1][:2]

    def solved(rows: Any, target: Any) -> Any:
        regression = Regression(rows, target, jnp.ones(len(rows), dtype=int))
        return solve(regression, regression.fisher, problem.settings.regularization)[0]

    cpu, wall = {}, {}

    def stage(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        result, cpu[name], wall[name] = timed(function, arguments, repeats)
        return result

    state, key = problem.sampler.init(jax.random.key(3)), jax.random.key(2)
    outcomes, weights = stage("sampling", draw, theta, state, key)
    found = stage("local_estimates", lambda *a: problem.estimate(*a), theta, outcomes)
    jacobian = stage("gradients", partial(log_derivatives, problem), theta, outcomes)
    rows = jnp.sqrt(weights)[:, None] * (jacobian - weights @ jacobian)
    stage("solve", solved, rows, jnp.sqrt(weights) * (found.value - weights @ found.value))
    return outcomes, found, cpu, wall


def estimate_error(problem: Any, theta: Any, outcomes: Any, value: Any) -> float:
    """Root-mean-square error of local estimates in standard deviations of the exact ones."""
    import jax
    import jax.numpy as jnp

    exactly = problem._replace(
        settings=problem.settings.model_copy(update={"precision": "double"}),
        estimator=replace(problem.estimator, bound=0.0),
    )
    exact = jax.jit(lambda *point: exactly.estimate(*point))(theta, outcomes).value
    return float(jnp.sqrt(jnp.mean((value - exact) ** 2)) / jnp.std(exact))


def timed(
    function: Callable[..., Any], arguments: tuple[Any, ...], repeats: int
) -> tuple[Any, float, float]:
    """Result, and medians of CPU and wall seconds after a first call that compiles."""
    import jax

    compiled = jax.jit(function)
    result = jax.block_until_ready(compiled(*arguments))
    cpu, wall = [], []
    for _ in range(repeats):
        began = time.process_time(), time.perf_counter()
        jax.block_until_ready(compiled(*arguments))
        cpu.append(time.process_time() - began[0])
        wall.append(time.perf_counter() - began[1])
    return result, statistics.median(cpu), statistics.median(wall)


def peak_memory() -> int:
    """Of this process, bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    typer.run(main)
