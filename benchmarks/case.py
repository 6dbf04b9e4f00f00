"""Time one TDVP right-hand side of opentdvp and print the result as one JSON object.

The state is an evolved one, because how far local estimates have to be followed depends on how well
the network forgets: a network is size-independent, so parameters from a short run of a small system
serve for every size. `--exact` also evaluates the estimates without forgetting bound and in double
precision, and prints the root-mean-square difference in standard deviations.
"""

import json
import math
import os
import resource
import statistics
import time
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

ROOT = Path(__file__).parents[1]

#: Systems of config/accuracy.yaml that have the models; until when a state evolves on them,
#: and with how many samples.
SMALL = {
    "heisenberg_ring": ("heisenberg_ring_10", 0.5, 8192),
    "heisenberg_torus": ("heisenberg_torus_3x3_b", 0.5, 2048),
    "confinement_ring": ("confinement_ring_8", 4.0, 8192),
}


class SystemName(StrEnum):
    """Models of the paper."""

    heisenberg_ring = "heisenberg_ring"
    heisenberg_torus = "heisenberg_torus"
    confinement_ring = "confinement_ring"


#: Of all networks that are timed.
NETWORK = {"activation": "tanh", "output": "shared", "recurrent_scale": 0.5}


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


def sized(system: str, shape: tuple[int, ...] | None, stop: float) -> Any:
    """A system of the accuracy configuration, on another lattice, without observables."""
    from opentdvp.config import System, load

    name, *_ = SMALL[system]
    keys = load(ROOT / "config" / "accuracy.yaml").systems[name].model_dump()
    if shape is not None:
        keys["lattice"]["size"] = shape
    keys |= {"time": {"stop": stop, "points": 2}, "observables": {}}
    return System.model_validate(keys)


def solver_keys(network: dict[str, Any], settings: dict[str, Any], kind: str) -> dict[str, Any]:
    """TDVP settings, in the words of a configuration."""
    samples = {"solve": settings["samples"], "held_out": 64, "observables": 64}
    steps = {"initial_step": 1e-3, "minimal_step": 1e-6, "maximal_step": 0.1}
    return {
        "method": "tdvp",
        "seed": 1,
        "povm": "cubic",
        "network": {"kind": kind, **NETWORK, **network},
        "orbit": settings["orbit"],
        "sampling": {"kind": "direct", "sequence": settings["sequence"], **samples},
        "regularization": {
            "method": "eigenvalues",
            "eigenvalue_cutoff": 1e-6,
            "signal_to_noise_cutoff": 0,
        },
        "integrator": {
            "method": "bogacki_shampine",
            "samples": "redrawn",
            "fisher_tolerance": 4e-3,
            **steps,
        },
        "precision": settings["precision"],
        "forgetting_bound": settings["bound"],
        "drift_limit": 1.0,
        "chunk": settings["chunk"],
    }


def build(
    system: str,
    shape: tuple[int, ...] | None,
    network: dict[str, Any],
    settings: dict[str, Any],
    stop: float = 1.0,
) -> Any:
    """The deck of a case; without a shape, on the small lattice."""
    from opentdvp.config import Deck, TdvpSolver

    model = sized(system, shape, stop)
    shape = model.lattice.size
    translations, points = math.prod(shape), 2 if len(shape) == 1 else 8
    orders = {"none": 1, "all": translations, "space_group": translations * points}
    order = orders.get(settings["orbit"]) or translations // settings["orbit"]
    chunk = max(1, min(settings["samples"], settings["images"] // order))
    kind = "recurrent" if len(shape) == 1 else "raster"
    keys = solver_keys(network, {**settings, "chunk": chunk}, kind)
    return Deck(system=model, solver=TdvpSolver.model_validate(keys))


def evolved_state(system: str, network: dict[str, Any], folder: Path) -> Any:
    """Parameters after a short run of a small system, from a file if it was done before."""
    import numpy as np

    # Enough samples that the network does not fit their noise: what it remembers decides the cost.
    _, stop, samples = SMALL[system]
    settings = {"orbit": "all", "samples": samples, "sequence": "sobol", "bound": 1e-4}
    settings |= {"precision": "single", "images": 500}
    deck = build(system, None, network, settings, stop)
    path = folder / f"state-{deck.run_id[:16]}.npy"
    if not path.exists():
        from opentdvp.engine.evolve import prepare, start
        from opentdvp.engine.stepping import steps

        run = prepare(deck)
        *_, last = steps(run, start(run))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, last.theta)
    return np.load(path)


def measure(deck: Any, theta: Any, repeats: int, exact: bool) -> dict[str, Any]:
    """Seconds of the stages, memory, and the estimates' windows and error."""
    import jax
    import jax.numpy as jnp

    from opentdvp.engine.compiled import assemble
    from opentdvp.engine.normal_equations import Regression, solve
    from opentdvp.engine.tdvp import estimate, log_derivatives

    problem = assemble(deck.system, deck.solver, jax.random.key(1)).problem
    theta, key = jnp.array(theta), jax.random.key(2)

    def solved(rows: Any, target: Any) -> Any:
        regression = Regression(rows, target, jnp.ones(len(rows), dtype=int))
        return solve(regression, regression.fisher, problem.settings.regularization)[0]

    draw = partial(problem.sampler.solve, problem.ansatz)
    cpu, wall = {}, {}
    ensemble, cpu["sampling"], wall["sampling"] = timed(
        lambda theta, key: draw(theta, theta, key)[:2], (theta, key), repeats
    )
    outcomes, weights = ensemble
    found, cpu["local_estimates"], wall["local_estimates"] = timed(
        partial(estimate, problem), (theta, outcomes), repeats
    )
    jacobian, cpu["gradients"], wall["gradients"] = timed(
        partial(log_derivatives, problem), (theta, outcomes), repeats
    )
    rows = jnp.sqrt(weights)[:, None] * (jacobian - weights @ jacobian)
    target = jnp.sqrt(weights) * (found.value - weights @ found.value)
    _, cpu["solve"], wall["solve"] = timed(solved, (rows, target), repeats)
    result = {
        "network_parameters": theta.size,
        "device": jax.devices()[0].device_kind,
        "cpu_seconds": cpu | {"total": sum(cpu.values())},
        "wall_seconds": wall | {"total": sum(wall.values())},
        "peak_memory_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "window": {"prefix": int(found.prefix.max()), "suffix": int(found.suffix.max())},
    }
    if exact:
        changes = {"forgetting_bound": 0.0, "precision": "double"}
        exactly = problem._replace(settings=problem.settings.model_copy(update=changes))
        value = jax.jit(partial(estimate, exactly))(theta, outcomes).value
        error = jnp.sqrt(jnp.mean((found.value - value) ** 2)) / jnp.std(value)
        result["estimate_error"] = float(error)
    return result


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


if __name__ == "__main__":
    typer.run(main)
