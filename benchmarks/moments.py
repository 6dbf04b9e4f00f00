"""Seconds and memory of the set-up of centred moments, at about half a million unknowns and more.

Writes the numbers as JSON, and a table.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from running import Case, run, write


def cases() -> list[Case]:
    """Chains and squares without any symmetry, and the torus of the paper with all it has."""
    without = {"disordered": True, "threads": 2}
    chain = {"system": "heisenberg_ring", **without}
    square = {"system": "heisenberg_torus", **without}
    five = square | {"size": "5x5", "weight": 4, "range": 4}
    return [
        chain | {"size": "40", "weight": 7, "range": 7},
        chain | {"size": "16", "weight": 6, "range": 9},
        five,
        five | {"threads": 1},
        square | {"size": "6x6", "weight": 5, "range": 3},
        square | {"size": "5x5", "weight": 6, "range": 3},
        {"system": "heisenberg_torus", "size": "4x4", "weight": 8, "range": 4, "threads": 2},
    ]


def main(
    out: Annotated[Path, typer.Option(help="JSON")] = Path("results/benchmarks/moments.json"),
    docs: Annotated[Path, typer.Option(help="folder of the table")] = Path("docs/benchmarks"),
) -> None:
    """Run all cases one after the other."""
    results = run("moments_case.py", cases())
    write(results, markdown(results), None, out, docs)


def markdown(results: list[dict[str, Any]]) -> str:
    """All cases as a table."""
    lines = [
        "Set-up of centred moments: wall and CPU seconds and the process' peak memory, of the cut",
        "alone and of all three of a run (that, one weight less, one range less). Open lattices",
        "have fields X and Z on every site, drawn evenly from −1 to 1, so nothing is symmetric.",
        "",
        "| system | weight | range | unknowns | matrix elements | threads | seconds (CPU) | GiB"
        " | three: seconds | GiB | seconds per derivative |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        case, alone, three = result["case"], result["set_up"], result["three"]
        cells = [
            f"{_name(case)} {case['size'].replace('x', '×')}",
            *(case["weight"], case["range"]),
            *(f"{result[count]:,}".replace(",", " ") for count in ("unknowns", "elements")),
            case["threads"],
            f"{alone['wall_seconds']:.3g} ({alone['cpu_seconds']:.3g})",
            f"{alone['peak_memory_bytes'] / 2**30:.2f}",
            f"{three['wall_seconds']:.3g}",
            f"{three['peak_memory_bytes'] / 2**30:.2f}",
            f"{result['derivative_seconds']:.2g}",
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def _name(case: Case) -> str:
    system = case["system"].replace("_", " ")
    if not case.get("disordered"):
        return str(system)
    return str(system.replace("ring", "open chain").replace("torus", "open square"))


if __name__ == "__main__":
    typer.run(main)
