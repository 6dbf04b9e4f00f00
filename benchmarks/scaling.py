"""Seconds and memory per right-hand side against size, orbit, width, samples and threads.

Writes the numbers as JSON, a table, and a figure of CPU seconds against N with fitted exponents.
"""

import os
from pathlib import Path
from typing import Annotated, Any

import matplotlib.pyplot as plt
import numpy as np
import typer
from matplotlib.figure import Figure
from running import Case, run, write

#: Sizes at which the cost per sample is fitted, and the samples for them.
LONG, FEW = (20, 40, 80, 160), {"all": 8, "none": 200}

#: Settings of all of these: as loose a bound as the estimates bear, batches that fit in a cache.
LONG_SETTINGS = {"width": 12, "bound": 3e-4, "images": 320, "exact": True}


def cases() -> list[Case]:
    """One thing is varied at a time around a ring of 10 with 1000 samples, width 24."""
    usual = {"system": "heisenberg_ring", "size": "10", "orbit": "all", "samples": 1000}
    usual |= {"width": 24, "depth": 1, "threads": 1, "bound": 1e-4}
    sizes = [usual | {"size": str(n), "samples": 200} for n in (6, 10, 20, 40)]
    orbits = [usual | {"orbit": orbit} for orbit in ("none", "5", "space_group")]
    widths = [usual | {"width": width} for width in (12, 48)]
    samples = [usual | {"samples": count} for count in (250, 4000)]
    threads = [usual | {"threads": count} for count in range(1, (os.cpu_count() or 1) + 1)]
    torus = [
        usual | {"system": "heisenberg_torus", "size": s, "samples": 100, "width": 12, "depth": 2}
        for s in ("3x3", "4x4")
    ]
    long = [
        usual | LONG_SETTINGS | {"size": str(n), "orbit": orbit, "samples": few}
        for orbit, few in FEW.items()
        for n in LONG
    ]
    return sizes + orbits + widths + samples + threads + torus + long


def main(
    out: Annotated[Path, typer.Option(help="JSON")] = Path("results/benchmarks/scaling.json"),
    docs: Annotated[Path, typer.Option(help="folder of table and figure")] = Path(
        "docs/benchmarks"
    ),
) -> None:
    """Run all cases one after the other."""
    results = run("case.py", cases())
    figure, exponents = draw(results)
    write(results, markdown(results, exponents), figure, out, docs)


def is_long(case: Case) -> bool:
    """Whether a case is one of those that the exponents are fitted to."""
    return case.items() >= LONG_SETTINGS.items()


def draw(results: list[dict[str, Any]]) -> tuple[Figure, dict[str, float]]:
    """CPU seconds per sample against N, and the exponent from the smallest to the largest."""
    figure, axes = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    exponents = {}
    for orbit, marker in (("all", "o"), ("none", "s")):
        chosen = [r for r in results if is_long(r["case"]) and r["case"]["orbit"] == orbit]
        sizes = np.array([int(r["case"]["size"]) for r in chosen])
        seconds = np.array(
            [
                (r["cpu_seconds"]["total"] - r["cpu_seconds"]["solve"]) / r["case"]["samples"]
                for r in chosen
            ]
        )
        exponents[orbit] = float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
        label = f"orbit {orbit}: $N^{{{exponents[orbit]:.2f}}}$"
        axes.loglog(sizes, seconds, marker=marker, label=label)
    cube = seconds[0] * (sizes / sizes[0]) ** 3
    axes.loglog(sizes, cube, "--", color="0.6", label="$N^3$")
    axes.set(xlabel="sites N", ylabel="CPU s per sample", xticks=sizes, xticklabels=sizes)
    axes.minorticks_off()
    axes.legend(frameon=False)
    return figure, exponents


def markdown(results: list[dict[str, Any]], exponents: dict[str, float]) -> str:
    """All cases as a table."""
    lines = [
        "Sampling, local estimates and gradients together, from N = 20 to 160 at fixed samples and",
        f"forgetting bound, grow with exponent {exponents['all']:.2f} with all translations and",
        f"{exponents['none']:.2f} without (fits in `scaling.png`).",
        "",
        "Wall seconds of the stages on evolved states. *Window*: distinct distances from the first",
        "site and sites behind a change that were followed; *error*: root-mean-square difference",
        "of local estimates from exact ones, in standard deviations, where it was measured.",
        "",
        "| system | orbit | samples | width | parameters | bound | threads | sampling | estimates"
        " | gradients | solve | total | window | error | memory (MiB) |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        case, wall = result["case"], result["wall_seconds"]
        window = result["window"]
        cells = [
            f"{case['system'].replace('_', ' ')} {case['size']}",
            *(case["orbit"], case["samples"], case["width"]),
            *(result["network_parameters"], f"{case['bound']:g}", case["threads"]),
            *(
                f"{wall[stage]:.2g}"
                for stage in ("sampling", "local_estimates", "gradients", "solve", "total")
            ),
            f"{window['prefix']} + {window['suffix']}",
            f"{result['estimate_error']:.0e}" if "estimate_error" in result else "",
            f"{result['peak_memory_bytes'] / 2**20:.0f}",
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)
