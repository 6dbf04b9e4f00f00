"""opentdvp against jVMC: the same right-hand sides, one thread each, in one run.

Both have recurrent networks of width 12 and depth 2. The ratios are of CPU seconds; the local
estimates are compared with exact ones in double precision on an evolved state.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track

HERE = Path(__file__).parent

#: System, size, orbit, samples, forgetting bound.
CASES = (
    ("heisenberg_ring", "10", "all", 1000, 1e-4),
    ("heisenberg_ring", "10", "none", 1000, 1e-4),
    ("heisenberg_ring", "40", "all", 24, 1e-4),
    ("heisenberg_ring", "40", "none", 1000, 1e-4),
    ("heisenberg_torus", "4x4", "all", 100, 1e-4),
    ("confinement_ring", "32", "all", 24, 3e-5),
)


def main(
    peer_python: Annotated[Path, typer.Argument(help="of the environment with jVMC")],
    out: Annotated[Path, typer.Option(help="JSON")] = Path("results/benchmarks/peer.json"),
    table: Annotated[Path, typer.Option(help="Markdown")] = Path("docs/benchmarks/peer.md"),
) -> None:
    """Time all cases one after the other; write the numbers and a table."""
    results = [run(case, peer_python) for case in track(CASES, disable=None)]
    for path in (out, table):
        path.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=1) + "\n")
    table.write_text(markdown(results))
    typer.echo(table.read_text())


def run(case: tuple[str, str, str, int, float], peer_python: Path) -> dict[str, Any]:
    """Both codes on one case."""
    system, size, orbit, samples, bound = case
    common = ["--size", size, "--orbit", orbit, "--samples", str(samples)]
    common += ["--width", "12", "--depth", "2"]
    peer = [peer_python, HERE / "jvmc_right_hand_side.py", "--system", system, *common]
    ours = [sys.executable, HERE.parent / "case.py", system, *common, f"--bound={bound}", "--exact"]
    return {"case": case, "opentdvp": output(ours), "jvmc": output(peer)}


def output(command: list[Any]) -> dict[str, Any]:
    """What a command prints, as JSON."""
    done = subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def markdown(results: list[dict[str, Any]]) -> str:
    """A table with the ratios."""
    lines = [
        "CPU seconds per right-hand side, one thread; recurrent networks of width 12, depth 2.",
        "*Error*: root-mean-square difference of our local estimates from exact ones in double",
        "precision, in standard deviations, on an evolved state; *bound*: where forgetting stops.",
        "",
        "| system | orbit | samples | bound | jVMC | opentdvp | ratio | error | MiB, jVMC / ours |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        system, size, orbit, samples, bound = result["case"]
        theirs, ours = (result[name]["cpu_seconds"]["total"] for name in ("jvmc", "opentdvp"))
        error = result["opentdvp"]["estimate_error"]
        memory = " / ".join(
            f"{result[name]['peak_memory_bytes'] / 2**20:.0f}" for name in ("jvmc", "opentdvp")
        )
        lines.append(
            f"| {system.replace('_', ' ')} {size} | {orbit} | {samples} | {bound:g}"
            f" | {theirs:.3g} | {ours:.3g} | {theirs / ours:.1f} | {error:.1e} | {memory} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)
