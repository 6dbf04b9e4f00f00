"""Time one right-hand side of an energy ansatz and print the result as one JSON object.

Parameters are random, so that no term vanishes. Chains begin at the product state.
"""

import json
from typing import Annotated, Any

import typer
from case import costs, stages, use_threads
from decks import COMMON, SystemName, sized


def main(
    system: SystemName,
    size: Annotated[str, typer.Option(help="N or LxxLy")],
    weight: int = 4,
    range: int = 5,
    pair_range: Annotated[int, typer.Option(help="at least `range`, which it is if it is 0")] = 0,
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
    network: dict[str, Any] = {"weight": weight, "range": range, "pair_range": pair_range or range}
    if kernels:
        sizes = [int(kernel) for kernel in kernels.split(",")]
        network |= {"kind": "hybrid", "kernels": sizes, "channels": channels}
        network |= {"activation": "tanh", "hidden_scale": 1.0}
    else:
        network |= {"kind": "jastrow"}
    counts = {"solve": samples, "held_out": 256, "observables": samples}
    keys = {
        "network": network,
        "sampling": {"kind": "chains", **counts, "sweeps": sweeps},
        "regularization": {"method": "cholesky", "shift": 1e-6},
        "precision": "single",
        "chunk": chunk,
    }
    shape = tuple(int(length) for length in size.split("x"))
    typer.echo(json.dumps(measure(sized(system, shape, 1.0), COMMON | keys, repeats)))


def measure(system: Any, keys: dict[str, Any], repeats: int) -> dict[str, Any]:
    """Number of parameters, seconds by stage and in all, memory."""
    import jax

    from opentdvp.config import TdvpSolver
    from opentdvp.engine.assembly import assemble

    parts = assemble(system, TdvpSolver.model_validate(keys), jax.random.key(1))
    theta = parts.theta + 0.02 * jax.random.normal(jax.random.key(4), parts.theta.shape)
    *_, cpu, wall = stages(parts.problem, theta, repeats)
    return costs(theta, cpu, wall)


if __name__ == "__main__":
    typer.run(main)
