"""Scans: one solver in many variations, each compared with a reference."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import product
from math import prod
from typing import Annotated, Any, Self

from pydantic import Field, JsonValue, TypeAdapter, ValidationError, model_validator

from opentdvp.config.base import LONGEST, Json, check_name, pattern
from opentdvp.config.comparison import Comparison
from opentdvp.config.messages import explain
from opentdvp.config.solver import Solver

#: What the label of a variation may look like; labels end up in file names.
Label = Annotated[str, pattern(r"^[A-Za-z0-9]+$", "a label of letters and digits")]

_SOLVER: TypeAdapter[Solver] = TypeAdapter(Solver)


class Scan(Comparison):
    """A comparison with all combinations of variations of the candidate's solver.

    `vary` maps a key of the solver (`seed`, `network.width`) to labelled values. The combination
    with the labels a and b is the solver, and the comparison, `SCAN_a_b`.
    """

    vary: Annotated[
        dict[str, Annotated[dict[Label, Json], Field(min_length=1)]], Field(min_length=1)
    ]

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        runs = prod(map(len, self.vary.values()))
        if runs > 10_000:
            raise ValueError(f"`vary` must make at most 10000 combinations, but makes {runs}")
        return self

    def combinations(self, name: str) -> Iterator[tuple[str, dict[str, JsonValue]]]:
        """Name of every combination, and its values by key; `name` is that of the scan."""
        for labels in product(*self.vary.values()):
            chosen = zip(self.vary.items(), labels, strict=True)
            values = {key: choices[label] for (key, choices), label in chosen}
            yield "_".join([name, *labels]), values


def expand(study: dict[str, Any]) -> dict[str, Any]:
    """A study with the solvers and comparisons of its scans written out.

    A scan among the archive's solvers stands for all of its own. What is no mapping, or no scan,
    stays as it is: validation says it, with its key.

    Raises
    ------
    ValueError
        If a scan varies a solver that is not there, varies what it has not, or makes a name that
        is there.
    """
    expanded = study | {name: study.get(name, {}) for name in ("solvers", "comparisons")}
    if not all(isinstance(expanded[name], dict) for name in ("solvers", "comparisons", "scans")):
        return study
    members: dict[str, list[str]] = {}
    for name, keys in study["scans"].items():
        try:
            scan = Scan.model_validate(keys)
        except ValidationError:
            continue
        solvers = expanded["solvers"]
        check_name(f"scans.{name}.candidate.solver", scan.candidate.solver, solvers)
        for key, entries in _written_out(name, scan, solvers):
            members.setdefault(name, []).append(key)
            for table, value in entries.items():
                if expanded[table].get(key, value) != value:
                    raise ValueError(f"`scans.{name}` must not redefine `{table}.{key}`, but does")
                expanded[table] = expanded[table] | {key: value}
    return expanded | _archived(study, members)


def _archived(study: dict[str, Any], members: Mapping[str, list[str]]) -> dict[str, Any]:
    """The archive, with the solvers of a scan in its place."""
    archive = study.get("archive")
    if not isinstance(archive, dict) or not isinstance(archive.get("solvers"), list):
        return {}
    named = [members.get(str(name), [name]) for name in archive["solvers"]]
    return {"archive": archive | {"solvers": [solver for names in named for solver in names]}}


def _written_out(
    name: str, scan: Scan, solvers: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name of every combination, and its entries by table; none if the base solver is wrong."""
    base = solvers[scan.candidate.solver]
    if _errors(base):
        return
    for combination, values in scan.combinations(name):
        if len(combination) > LONGEST:
            raise ValueError(
                f"`scans.{name}.vary` must make names of at most {LONGEST} characters, but makes "
                f"{combination[:LONGEST]}…"
            )
        labels = combination.removeprefix(f"{name}_").split("_")
        places = {
            key: f"scans.{name}.vary.{key}.{label}"
            for key, label in zip(values, labels, strict=True)
        }
        varied = _varied(base, values, places)
        for key, said in _errors(varied)[:1]:
            raise ValueError(_blame(key, said, places))
        entry = scan.model_dump(exclude={"vary"})
        entry["candidate"]["solver"] = combination
        yield combination, {"solvers": varied, "comparisons": entry}


def _varied(
    base: dict[str, Any], values: Mapping[str, JsonValue], places: Mapping[str, str]
) -> dict[str, Any]:
    """The base solver with other values, by dotted key."""
    solver = deepcopy(base)
    for key, value in values.items():
        *parents, last = key.split(".")
        target = solver
        for parent in parents:
            target = target.setdefault(parent, {})
            if not isinstance(target, dict):
                raise ValueError(
                    f"`{places[key]}` must be of a key of the solver, but `{parent}` holds no keys"
                )
        target[last] = deepcopy(value)
    return solver


def _errors(solver: Any) -> list[tuple[str, str]]:
    try:
        _SOLVER.validate_python(solver)
    except ValidationError as error:
        return explain(error, solver)
    return []


def _blame(key: str, said: str, places: Mapping[str, str]) -> str:
    """An error of a varied solver, by the key of the scan that it comes from."""
    for varied, place in places.items():
        if f"{key}.".startswith(f"{varied}."):
            return f"`{place}{key.removeprefix(varied)}` {said}"
    return f"`{', '.join(places.values())}` must fit the solver, but then `{key}` {said}"
