"""The table of mutants in the docs, from what was found and the reasons why some survive.

Without arguments it writes the page anew, such as after a change of `reasons.toml`.
"""

import hashlib
import json
import math
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "src" / "opentdvp"
PAGE = ROOT / "docs" / "mutants.md"
RESULTS = HERE / "results.json"
REASONS = HERE / "reasons.toml"
PLAN = tomllib.loads((HERE / "plan.toml").read_text(encoding="utf-8"))

#: Share of the mutants that has to be noticed in every file that computes physics or statistics.
LIMIT = 0.9

# 95 % of a normal distribution lie within so many standard deviations.
_Z = 1.96

HEAD = """# Mutants: which wrong lines the tests notice

Written by `make mutants`. [Cosmic Ray](https://cosmic-ray.readthedocs.io) breaks the sources at one
place at a time: another arithmetic or comparison operator, a number one more or less, a condition
negated, a loop that never runs. The tests of that file (those of the mirrored name, or those listed
in [plan.toml](../tests/mutants/plan.toml)) then have to fail, or to take several times as long as
they should. They are the tests of `make test`; the slow ones do not take part.

Left out are replacements that nearly always raise an exception at once (such as `+` by `>>`), and
places without a result: types, decorators, messages of exceptions, `strict` of `zip`. Matrix
products (`@`), calls and their names are not broken: the tester does not know how.

Of the *mutants* of a file, a sample is *tested*: the first so many in a random order that is always
the same (`make mutants MUTANTS=…`). *Equal* are those that change no result: not by more than
rounding or the tolerances that were asked for, or to random numbers of the same distribution; they
may take longer. They do not count. *Noticed* is the share of the others that were killed; *95 %*
tells where that share of all mutants lies (Wilson's interval; "all" where all were tested). It has
to be 90 % at least in files that compute physics or statistics; the others are marked †. Files
marked * have changed since. Every survivor is listed below with the reason.

A mutant that was killed is not tested again until its file changes, those that survived are when
tests change. `make mutants FILES='physics/spin.py judging'` tests some files or rooms; a run that
was stopped goes on where it was.
"""


def results() -> dict[str, Any]:
    """What was found, by file."""
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def write() -> None:
    """Write the page."""
    PAGE.write_text(text(results(), reasons()), encoding="utf-8")


def reasons() -> dict[str, list[dict[str, Any]]]:
    """Why mutants survive, by file."""
    return tomllib.loads(REASONS.read_text(encoding="utf-8")) if REASONS.exists() else {}


def text(found: dict[str, Any], why: dict[str, list[dict[str, Any]]]) -> str:
    """The page."""
    lines = [
        HEAD,
        "| file | mutants | tested | equal | killed | noticed | 95 % |",
        "|---" * 7 + "|",
    ]
    lines += [_row(file, entry, why.get(file, [])) for file, entry in found.items()]
    missing = sorted(set(planned()) - set(found))
    if missing:
        lines += ["", "Not tested yet: " + ", ".join(f"`{file}`" for file in missing) + "."]
    lines += ["", "## Survivors"]
    for file, entry in found.items():
        if entry["survivors"]:
            lines += ["", f"### {file}", ""]
            lines += [_survivor(one, why.get(file, [])) for one in entry["survivors"]]
    return "\n".join(lines) + "\n"


def planned(chosen: tuple[str, ...] = ()) -> Iterator[str]:
    """Files of the plan that are named or lie in a room that is; without names all."""
    for room in (PACKAGE / name for name in chosen or PLAN["rooms"]):
        for path in [room] if room.is_file() else sorted(room.rglob("*.py")):
            if path.name != "__init__.py":
                yield path.relative_to(PACKAGE).as_posix()


def tests_of(file: str) -> list[str]:
    """The test files that have to notice a change of a file."""
    mirrored = f"{file.split('/')[0]}/test_{Path(file).stem}.py"
    return [f"tests/{name}" for name in PLAN["tests"].get(file, [mirrored])]


def counts(file: str, entry: dict[str, Any], why: list[dict[str, Any]]) -> tuple[int, int, int]:
    """How many tested mutants are equal to the original, were killed, or survived."""
    equal = sum(_reason(one, why).get("equal", False) for one in entry["survivors"])
    survived = len(entry["survivors"])
    return equal, entry["tested"] - survived, survived - equal


def _row(file: str, entry: dict[str, Any], why: list[dict[str, Any]]) -> str:
    equal, killed, survived = counts(file, entry, why)
    count = killed + survived
    share = f"{killed / count:.0%}" if count else "–"
    whole = entry["tested"] == entry["mutants"] or not count
    between = "all" if whole else "{:.0%} … {:.0%}".format(*wilson(killed, count))
    name = file + "†" * (file in PLAN["plumbing"]) + "*" * (entry["source"] != digest(file))
    cells = (name, entry["mutants"], entry["tested"], equal, killed, share, between)
    return "| " + " | ".join(map(str, cells)) + " |"


def digest(file: str) -> str:
    """Of a source file's contents."""
    path = PACKAGE / file
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.exists() else ""


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's interval of 95 % for a share."""
    share, weight = successes / trials, _Z**2 / trials
    middle = (share + weight / 2) / (1 + weight)
    half = math.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
    return middle - half, middle + half


def _reason(survivor: dict[str, Any], why: list[dict[str, Any]]) -> dict[str, Any]:
    changes = ("was", "is")
    same = (one for one in why if all(one[key] == survivor[key] for key in changes))
    return next(same, {})


def _survivor(survivor: dict[str, Any], why: list[dict[str, Any]]) -> str:
    reason = _reason(survivor, why)
    kind = "equal: " if reason.get("equal") else ""
    said = kind + reason.get("reason", "no reason known")
    return f"- line {survivor['line']}, ``{survivor['was']}`` → ``{survivor['is']}``: {said}"


if __name__ == "__main__":
    write()
