"""Scans: one solver in many variations, each compared with a reference."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import product
from typing import Annotated, Any

from pydantic import Field, JsonValue

from opentdvp.config.comparison import Comparison

#: What the label of a variation may look like; labels end up in file names.
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9]+$")]


class Scan(Comparison):
    """A comparison with all combinations of variations of the candidate's solver.

    `vary` maps a key of the solver (`seed`, `network.width`) to labelled values. The combination
    with the labels a and b is the solver, and the comparison, `SCAN_a_b`.
    """

    vary: dict[str, Annotated[dict[Label, JsonValue], Field(min_length=1)]]

    def combinations(self, name: str) -> Iterator[tuple[str, dict[str, JsonValue]]]:
        """Name of every combination, and its values by key; `name` is that of the scan."""
        for labels in product(*self.vary.values()):
            chosen = zip(self.vary.items(), labels, strict=True)
            values = {key: choices[label] for (key, choices), label in chosen}
            yield "_".join([name, *labels]), values


def expand(study: dict[str, Any]) -> dict[str, Any]:
    """A study with the solvers and comparisons of its scans written out.

    Raises
    ------
    ValueError
        If a scan varies a solver that is not there, or makes a name that is.
    """
    expanded = {**study, "solvers": dict(study.get("solvers", {}))}
    expanded["comparisons"] = dict(study.get("comparisons", {}))
    for name, keys in study.get("scans", {}).items():
        scan = Scan.model_validate(keys)
        solver = scan.candidate.solver
        if solver not in expanded["solvers"]:
            raise ValueError(f"`scans.{name}.candidate.solver` must be a solver, but is {solver}")
        for combination, values in scan.combinations(name):
            varied = _varied(expanded["solvers"][solver], values)
            entry = scan.model_dump(exclude={"vary"})
            entry["candidate"]["solver"] = combination
            for table, value in (("solvers", varied), ("comparisons", entry)):
                if expanded[table].get(combination, value) != value:
                    raise ValueError(f"`scans.{name}` must not redefine `{table}.{combination}`")
                expanded[table][combination] = value
    return expanded


def _varied(base: dict[str, Any], values: dict[str, JsonValue]) -> dict[str, Any]:
    """The base solver with other values, by dotted key."""
    solver = deepcopy(base)
    for key, value in values.items():
        *parents, last = key.split(".")
        target = solver
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = value
    return solver
