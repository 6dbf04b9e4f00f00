"""What `opentdvp estimate` says of ten runs of three presets, beside what they took.

The runs of the default and of the small preset have to be there: `make figures`, and
`make figures CONFIG=config/small.yaml`. Those of the paper preset are in the archive. Writes the
numbers as JSON, and a table.
"""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from running import write

from opentdvp import config
from opentdvp.config import Run
from opentdvp.records.estimates import read_estimates
from opentdvp.records.timing import read_timing

#: By configuration, systems and solvers.
RUNS = {
    "config/config.yaml": {
        "confinement_ring_32": "jastrow_confinement_32",
        "heisenberg_ring_40_near": "jastrow_ring_40",
        "heisenberg_torus_4x4_b": "jastrow_torus_4x4_b",
        "heisenberg_torus_3x3_a": "recurrent_torus_3x3",
    },
    "config/small.yaml": {
        "heisenberg_ring_6": "tdvp",
        "heisenberg_torus_3x3_b": "tdvp_torus",
        "confinement_ring_24": "mpo",
    },
    "config/paper.yaml": {
        "heisenberg_torus_4x4_a": "tdvp_torus_4x4",
        "heisenberg_ring_10": "tdvp_ring_10",
        "confinement_ring_32": "mpo_confinement",
    },
}


def main(
    out: Annotated[Path, typer.Option(help="JSON")] = Path("results/benchmarks/estimates.json"),
    docs: Annotated[Path, typer.Option(help="folder of the table")] = Path("docs/benchmarks"),
) -> None:
    """Estimate all runs one after the other."""
    results = [
        compared(file, system, solver)
        for file, runs in RUNS.items()
        for system, solver in runs.items()
    ]
    write(results, markdown(results), None, out, docs)


def compared(file: str, system: str, solver: str) -> dict[str, Any]:
    """The estimate of a run and its timing."""
    study, run = config.load(Path(file)), Run(system=system, solver=solver)
    took = read_timing(study.output.trajectory(run))
    command = [sys.executable, "-m", "opentdvp", "estimate", file, system, solver]
    subprocess.run(command, check=True, stdout=sys.stderr)
    estimate = read_estimates(study.output.estimates)[study.deck(run).run_id]
    return {"config": file, "system": system, "solver": solver, **estimate._asdict()} | {
        "took": took["wall_seconds"],
        "took_memory": took["peak_memory_MiB"],
        "took_on": took["machine"],
    }


def markdown(results: list[dict[str, Any]]) -> str:
    """All runs as a table."""
    lines = [
        "What `opentdvp estimate` said, and what the runs took. Those of config/paper.yaml are of",
        "the archive, whose machines were others, or had other work beside.",
        "",
        "| configuration | system | solver | steps | minutes said | minutes taken | ratio"
        " | MiB said | MiB taken |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        cells = [
            *(Path(result["config"]).name, result["system"], result["solver"]),
            result["steps"] or "",
            f"{result['seconds'] / 60:.3g}",
            f"{result['took'] / 60:.3g}",
            f"{result['seconds'] / result['took']:.2f}",
            *(result["memory"], result["took_memory"]),
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)
