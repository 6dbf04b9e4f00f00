"""Time the set-up of the hierarchy of centred moments and print the result as one JSON object.

A run has three cuts: the one that is asked for, one weight less, one range less. The first is timed
alone, then all of them are kept, as in a run.
"""

import json
import time
from dataclasses import replace
from typing import Annotated, Any

import typer
from case import peak_memory, use_threads
from decks import SystemName, sized


def main(
    system: SystemName,
    size: Annotated[str, typer.Option(help="N or LxxLy")],
    weight: Annotated[int, typer.Option()],
    range: Annotated[int, typer.Option()],
    disordered: Annotated[bool, typer.Option(help="open, a field per site: no symmetry")] = False,
    threads: int = 2,
) -> None:
    """Set up the three hierarchies of a run."""
    use_threads(threads)
    shape = tuple(int(length) for length in size.split("x"))
    typer.echo(json.dumps(measure(build(system, shape, disordered), weight, range)))


def build(system: str, shape: tuple[int, ...], disordered: bool) -> Any:
    """The model."""
    import numpy as np

    from opentdvp.config import System
    from opentdvp.physics.model import build_model

    keys = sized(system, shape, 1.0).model_dump()
    if disordered:
        keys["lattice"]["periodic"] = False
        fields = np.random.default_rng(1).uniform(-1, 1, np.prod(shape)).tolist()
        keys["terms"] = [
            {"operators": axis, "sites": [site], "strength": strength}
            for site, strength in enumerate(fields)
            for axis in "XZ"
        ]
    return build_model(System.model_validate(keys))


def measure(model: Any, weight: int, range: int) -> dict[str, Any]:
    """Unknowns and matrix elements, seconds and peak memory: of the cut alone, and of all three."""
    from opentdvp.physics.pauli.cuts import Cut
    from opentdvp.references.moments.hierarchy import build_hierarchy
    from opentdvp.references.moments.observables import product_state

    cut = Cut(weight, range)
    began, used = time.perf_counter(), time.process_time()
    asked = build_hierarchy(model, cut)
    first, cpu, memory = time.perf_counter() - began, time.process_time() - used, peak_memory()
    kept = [asked]
    for smaller in (replace(cut, weight=weight - 1), replace(cut, range=range - 1)):
        kept.append(build_hierarchy(model, smaller))
    whole = time.perf_counter() - began
    values = product_state(asked, model)
    began = time.perf_counter()
    asked(0.0, values)
    return {
        "unknowns": len(values),
        "elements": asked.entries,
        "set_up": {"wall_seconds": first, "cpu_seconds": cpu, "peak_memory_bytes": memory},
        "three": {"wall_seconds": whole, "peak_memory_bytes": peak_memory()},
        "derivative_seconds": time.perf_counter() - began,
    }


if __name__ == "__main__":
    typer.run(main)
