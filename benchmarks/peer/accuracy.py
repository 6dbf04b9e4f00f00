"""Minutes until an accuracy is reached: our two ansätze as archived, and jVMC on the network's run.

jVMC's recurrent network is ours in another code, so that it needs the same right-hand sides for the
same accuracy. How much longer one takes is measured here, in one run, on one thread each.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from compare import HERE, output

#: Comparisons of config/paper.yaml: system, ansatz, and whether jVMC has this sampling.
CASES = (
    ("figS1", "ring of 10", "recurrent", True),
    ("figS1_jastrow", "ring of 10", "Jastrow", False),
    ("figS2_a", "torus 3×3, Jy = 1.0", "recurrent", False),
    ("figS2_a_jastrow", "torus 3×3, Jy = 1.0", "Jastrow", False),
)

#: Of both codes, so that each takes minutes at most.
SAMPLES = 512

#: What the table shows.
EXPLAINED = f"""\
Largest differences from the exact solution at any time, and minutes for it. opentdvp: runs of the
archive, minutes as their files have them. jVMC: not run; the minutes of the recurrent network times
the ratio of CPU seconds per right-hand side, measured in one run with {SAMPLES} samples, averaged
over translations, on one thread each.

"""


def main(
    peer_python: Annotated[Path, typer.Argument(help="of the environment with jVMC")],
    table: Annotated[Path, typer.Option(help="Markdown")] = Path("docs/benchmarks/accuracy.md"),
) -> None:
    """Read the archive, time a right-hand side in both codes, and write a table."""
    from opentdvp.config import load
    from opentdvp.judging.tables import write_markdown

    study = load(Path("config/paper.yaml"))
    rows = archived(study)
    for name, _, _, same_sampling in CASES:
        if same_sampling:
            rows.loc[f"{name}_jvmc"] = of_jvmc(rows.loc[name], slower(study, name, peer_python))
    table.parent.mkdir(parents=True, exist_ok=True)
    write_markdown({"": rows.sort_values(["system", "minutes"])}, table)
    table.write_text(EXPLAINED + table.read_text())
    typer.echo(table.read_text())


def archived(study: Any) -> pd.DataFrame:
    """Our runs: largest differences and minutes, from the tables and files of the archive."""
    from opentdvp.study.comparisons import overview

    names = {name for name, *_ in CASES}
    chosen = {name: entry for name, entry in study.comparisons.items() if name in names}
    alone = study.model_copy(update={"comparisons": chosen, "figures": {}, "panels": {}})
    found = overview(alone).set_index("comparison")
    for name, system, ansatz, _ in CASES:
        found.loc[name, ["system", "code, ansatz"]] = [system, f"opentdvp, {ansatz}"]
    return found[["system", "code, ansatz", "magnetisations", "correlators", "minutes"]]


def slower(study: Any, name: str, peer_python: Path) -> float:
    """How much longer jVMC takes for a right-hand side with the network of a comparison."""
    candidate = study.comparisons[name].candidate
    network = study.solvers[candidate.solver].network
    common = ["--size", str(study.systems[candidate.system].lattice.size[0]), "--orbit", "all"]
    common += ["--samples", SAMPLES, "--width", network.width, "--depth", network.depth]
    theirs = [peer_python, HERE / "jvmc_right_hand_side.py", "--system", "heisenberg_ring", *common]
    ours = [sys.executable, HERE.parent / "case.py", "heisenberg_ring", *common]
    seconds = [output(command)["cpu_seconds"]["total"] for command in (theirs, ours)]
    return float(seconds[0] / seconds[1])


def of_jvmc(row: Any, ratio: float) -> Any:
    """What the same run takes there."""
    changed = row.copy()
    changed["code, ansatz"] = f"jVMC, recurrent: {ratio:.1f} times the minutes"
    changed["minutes"] *= ratio
    return changed


if __name__ == "__main__":
    typer.run(main)
