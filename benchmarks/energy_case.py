"""Time one right-hand side of an energy ansatz and print the result as one JSON object.

Parameters are random, so that no term vanishes. Chains begin at the product state.
"""

import json
import resource
from typing import Annotated, Any

import typer
from case import timed, use_threads
from decks import SystemName, sized


def main(
    system: Annotated[SystemName, typer.Option()],
    size: Annotated[str, typer.Option(help="N or LxxLy")],
    weight: int = 4,
    range: int = 5,
    kernels: Annotated[str, typer.Option(help="sizes of kernels; none: strings alone")] = "",
    channels: int = 8,
    samples: int = 2048,
    sweeps: int = 6,
    chunk: int = 128,
    threads: int = 1,
    repeats: int = 3,
) -> None:
    """Time one right-hand side."""
    use_threads(threads)
    network: dict[str, Any] = {"weight": weight, "range": range, "pair_range": range}
    if kernels:
        sizes = [int(kernel) for kernel in kernels.split(",")]
        network |= {"kind": "hybrid", "kernels": sizes, "channels": channels}
        network |= {"activation": "tanh", "hidden_scale": 1.0}
    else:
        network |= {"kind": "jastrow"}
    shape = tuple(int(length) for length in size.split("x"))
    keys = {"network": network, "sampling": _chains(samples, sweeps), "chunk": chunk}
    typer.echo(json.dumps(measure(sized(system, shape, 1.0), keys, repeats)))


def measure(system: Any, keys: dict[str, Any], repeats: int) -> dict[str, Any]:
    """Number of parameters, seconds by stage and in all, memory."""
    import jax

    from opentdvp.config import TdvpSolver
    from opentdvp.engine.assembly import assemble

    deck = TdvpSolver.model_validate(_SOLVER | keys)
    parts = assemble(system, deck, jax.random.key(1))
    theta = parts.theta + 0.02 * jax.random.normal(jax.random.key(2), parts.theta.shape)
    seconds = stages(parts.problem, theta, repeats)
    return {
        "parameters": theta.size,
        "seconds": seconds | {"total": sum(seconds.values())},
        "device": jax.devices()[0].device_kind,
        "peak_memory_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def stages(problem: Any, theta: Any, repeats: int) -> dict[str, float]:
    """Wall seconds of the draw, which has no log-derivatives here, and of the others."""
    import jax
    import jax.numpy as jnp

    from opentdvp.engine.principle.normal_equations import Regression, solve
    from opentdvp.engine.principle.right_hand_side import log_derivatives
    from opentdvp.engine.sampling.ensemble import Purpose

    key = jax.random.key(3)
    settings = problem.settings

    def draw(theta: Any, state: Any) -> Any:
        return problem.sampler.draw(Purpose.SOLVE, theta, state, key)[1].outcomes

    def solved(rows: Any, target: Any) -> Any:
        regression = Regression(rows, target, None)
        return solve(regression, regression.fisher, settings.regularization)[0]

    outcomes, _, drawn = timed(draw, (theta, problem.sampler.init(key)), repeats)
    value, _, estimated = timed(lambda *a: problem.estimate(*a).value, (theta, outcomes), repeats)
    jacobian, _, derived = timed(
        lambda *a: log_derivatives(problem, *a), (theta, outcomes), repeats
    )
    rows = (jacobian - jacobian.mean(axis=0)) / jnp.sqrt(len(jacobian))
    _, _, solve_seconds = timed(solved, (rows, value - value.mean()), repeats)
    return {
        "draw": drawn,
        "estimates": estimated,
        "derivatives": derived,
        "solve": solve_seconds,
    }


def _chains(samples: int, sweeps: int) -> dict[str, Any]:
    counts = {"solve": samples, "held_out": 256, "observables": samples}
    return {"kind": "chains", **counts, "sweeps": sweeps}


_SOLVER = {
    "method": "tdvp",
    "seed": 1,
    "povm": "cubic",
    "regularization": {"method": "cholesky", "shift": 1e-6},
    "integrator": {
        "method": "bogacki_shampine",
        "samples": "fixed",
        "fisher_tolerance": 2e-3,
        "initial_step": 1e-3,
        "minimal_step": 1e-7,
        "maximal_step": 0.1,
    },
    "precision": "single",
    "drift_limit": 0.5,
}


if __name__ == "__main__":
    typer.run(main)
