"""Seconds and memory per right-hand side of energy ansätze: size, strings, samples, threads.

Writes the numbers as JSON, a table, and a figure of seconds against N with a fitted exponent.
"""

import os
from pathlib import Path
from typing import Annotated, Any

import matplotlib.pyplot as plt
import numpy as np
import typer
from matplotlib.figure import Figure
from running import Case, run, write

#: Sizes at which the exponent is fitted, with equal strings and samples.
LONG = (20, 40, 80, 120, 200)


def cases() -> list[Case]:
    """One thing is varied at a time around a ring of 40 with strings of weight 4, range 5."""
    usual = {"system": "heisenberg_ring", "size": "40", "weight": 4, "range": 5, "kernels": ""}
    usual |= {"samples": 2048, "threads": 1}
    sizes = [usual | {"size": str(n)} for n in (10, *LONG)]
    strings = [usual | {"weight": w, "range": r} for w, r in ((2, 5), (3, 5), (5, 5), (5, 6))]
    samples = [usual | {"samples": count} for count in (512, 8192)]
    threads = [usual | {"threads": count} for count in range(2, (os.cpu_count() or 1) + 1)]
    torus = usual | {"system": "heisenberg_torus", "size": "4x4", "range": 3}
    layers = [torus | {"weight": 2, "kernels": kernels} for kernels in ("3", "3,3")]
    return sizes + strings + samples + threads + [torus] + layers


def main(
    out: Annotated[Path, typer.Option(help="JSON")] = Path("results/benchmarks/energies.json"),
    docs: Annotated[Path, typer.Option(help="folder of table and figure")] = Path(
        "docs/benchmarks"
    ),
) -> None:
    """Run all cases one after the other."""
    results = run("energy_case.py", cases())
    figure, exponent = draw(results)
    write(results, markdown(results, exponent), figure, out, docs)


def draw(results: list[dict[str, Any]]) -> tuple[Figure, float]:
    """Seconds against N without the solve, which does not depend on N, and the exponent."""
    like = {"system": "heisenberg_ring", "weight": 4, "range": 5, "samples": 2048, "threads": 1}
    chosen = [r for r in results if r["case"].items() >= like.items() and _size(r) in LONG]
    sizes = np.array([_size(r) for r in chosen])
    seconds = np.array([r["wall_seconds"]["total"] - r["wall_seconds"]["solve"] for r in chosen])
    exponent = float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    axes.loglog(sizes, seconds, marker="o", label=f"$N^{{{exponent:.2f}}}$")
    axes.loglog(sizes, seconds[0] * sizes / sizes[0], "--", color="0.6", label="$N$")
    axes.set(xlabel="sites N", ylabel="seconds", xticks=sizes, xticklabels=sizes)
    axes.minorticks_off()
    axes.legend(frameon=False)
    return figure, exponent


def _size(result: dict[str, Any]) -> int:
    size = result["case"]["size"]
    return int(size) if size.isdigit() else 0


def markdown(results: list[dict[str, Any]], exponent: float) -> str:
    """All cases as a table."""
    lines = [
        "Energy ansätze: wall seconds of the stages at random parameters, six sweeps a draw.",
        "Draws, estimates and derivatives together, from N = 20 to 200 at equal strings and",
        f"samples, grow with exponent {exponent:.2f} (`energies.png`).",
        "",
        "| system | weight | range | kernels | parameters | samples | threads | draw | estimates"
        " | derivatives | solve | total | memory (MiB) |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        case, seconds = result["case"], result["wall_seconds"]
        cells = [
            f"{case['system'].replace('_', ' ')} {case['size']}",
            *(case["weight"], case["range"], case["kernels"].replace(",", ", ")),
            *(result["network_parameters"], case["samples"], case["threads"]),
            *(f"{value:.2g}" for value in seconds.values()),
            f"{result['peak_memory_bytes'] / 2**20:.0f}",
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)
