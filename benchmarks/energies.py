"""Seconds per right-hand side of energy ansätze on the 4×4 torus: strings, a convolution, both.

Prints a table. Parameters are random, so that no term vanishes; chains begin at the product state.
"""

import os
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer

STRINGS = {"weight": 4, "range": 3, "pair_range": 3}
LAYERS = {"activation": "tanh", "hidden_scale": 1.0}

NETWORKS: dict[str, dict[str, Any]] = {
    "strings": {"kind": "jastrow", **STRINGS},
    "strings, kernel 3": {"kind": "hybrid", **STRINGS, **LAYERS, "kernels": [3], "channels": 8},
    "strings, kernels 3, 3": {
        "kind": "hybrid",
        **STRINGS,
        **LAYERS,
        "kernels": [3, 3],
        "channels": 8,
    },
    "kernels 3, 3": {"kind": "convolution", **LAYERS, "kernels": [3, 3], "channels": 8},
}

TORUS = {
    "lattice": {"kind": "square", "size": [4, 4], "periodic": True},
    "couplings": {"XX": 0.9, "YY": 1.8, "ZZ": 1.0},
    "jumps": [{"operator": "sigma_minus", "rate": 1.0}],
    "start": {"Z": 1},
    "time": {"stop": 1.0, "points": 2},
    "observables": {"magnetization": ["Z"]},
}


def main(
    samples: int = 8192,
    sweeps: int = 6,
    chunk: int = 64,
    repeats: int = 3,
    only: Annotated[str, typer.Option(help="one of the networks")] = "",
) -> None:
    """Time draws, local estimates, log-derivatives and the solve."""
    typer.echo(f"{samples} samples, {sweeps} sweeps, {os.cpu_count()} processors, wall seconds\n")
    typer.echo("| network | parameters | draw | estimates | derivatives | right-hand side |")
    typer.echo("|---|---|---|---|---|---|")
    for name in [only] if only else NETWORKS:
        count, seconds = measure(NETWORKS[name], samples, sweeps, chunk, repeats)
        cells = [name, str(count), *(f"{value:.2g}" for value in seconds.values())]
        typer.echo(f"| {' | '.join(cells)} |")


def measure(
    network: dict[str, Any], samples: int, sweeps: int, chunk: int, repeats: int
) -> tuple[int, dict[str, float]]:
    """Number of parameters, and seconds by stage; the right-hand side is without the draw."""
    import jax

    from opentdvp.config import System, TdvpSolver
    from opentdvp.engine.assembly import assemble
    from opentdvp.engine.principle.right_hand_side import derivative, log_derivatives
    from opentdvp.engine.sampling.ensemble import Purpose

    system = System.model_validate(TORUS)
    deck = TdvpSolver.model_validate(_solver(network, samples, sweeps, chunk))
    parts = assemble(system, deck, jax.random.key(1))
    problem, key = parts.problem, jax.random.key(2)
    theta = parts.theta + 0.02 * jax.random.normal(key, parts.theta.shape)
    state = problem.sampler.init(key)

    def draw(theta: Any, state: Any) -> Any:
        return problem.sampler.draw(Purpose.SOLVE, theta, state, key)[1]

    ensemble, drawn = timed(draw, (theta, state), repeats)
    _, estimated = timed(lambda *a: problem.estimate(*a).value, (theta, ensemble[0]), repeats)
    _, derived = timed(lambda *a: log_derivatives(problem, *a), (theta, ensemble[0]), repeats)
    _, whole = timed(lambda *a: derivative(problem, *a).velocity, (theta, ensemble), repeats)
    stages = {"draw": drawn, "estimates": estimated, "derivatives": derived, "whole": whole}
    return len(theta), stages


def _solver(network: dict[str, Any], samples: int, sweeps: int, chunk: int) -> dict[str, Any]:
    counts = {"solve": samples, "held_out": 1024, "observables": samples, "sweeps": sweeps}
    return {
        "method": "tdvp",
        "seed": 1,
        "povm": "cubic",
        "network": network,
        "sampling": {"kind": "chains", **counts},
        "regularization": {
            "method": "eigenvalues",
            "eigenvalue_cutoff": 1e-6,
            "signal_to_noise_cutoff": 0,
        },
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
        "chunk": chunk,
    }


def timed(
    function: Callable[..., Any], arguments: tuple[Any, ...], repeats: int
) -> tuple[Any, float]:
    """Result, and the shortest wall time after a first call that compiles."""
    import jax

    compiled = jax.jit(function)
    result = jax.block_until_ready(compiled(*arguments))
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(compiled(*arguments))
        seconds.append(time.perf_counter() - began)
    return result, min(seconds)


if __name__ == "__main__":
    typer.run(main)
