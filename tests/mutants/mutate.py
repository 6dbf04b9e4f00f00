"""Break every line on purpose, one after the other, and see whether a test notices (Cosmic Ray).

Runs in the environment of `requirements.lock`; the tests run in that of the project, on a copy of
the sources. A session per file is kept in `.mutants/`, so a run that was stopped goes on where it
was. A file that changed begins anew; where its tests changed, the mutants that had survived are
tested again. What was found goes to `results.json` and `docs/mutants.md`.
"""

import argparse
import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import page
from choice import change, choose
from cosmic_ray.commands.init import init
from cosmic_ray.mutating import _make_diff, use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkItem, WorkResult
from place import WORK, Place

#: Tests of a mutant may take so many times as long as without, and some seconds.
PATIENCE, SECONDS = 3, 10


def main() -> None:
    """Test mutants of the files that are named, or of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="such as physics/spin.py, or rooms; none for all")
    parser.add_argument("--python", type=Path, required=True, help="of the project's environment")
    parser.add_argument("--sample", type=int, required=True, help="largest number per file")
    parser.add_argument("--jobs", type=int, default=1, help="how many mutants at once")
    arguments = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    free: SimpleQueue[Place] = SimpleQueue()
    places = [Place(number, arguments.python.absolute()) for number in range(arguments.jobs)]
    for place in places:
        free.put(place)

    def test(file: str) -> None:
        place = free.get()
        try:
            note(file, test_file(file, place, arguments.sample))
        finally:
            free.put(place)

    with ThreadPoolExecutor(arguments.jobs) as pool:
        done = pool.map(test, page.planned(tuple(arguments.files)))
        list(done)
    for place in places:
        place.close()


def test_file(file: str, place: Place, sample: int) -> dict:
    """Test what has not been tested yet of a file's sample; what was found so far of all of it."""
    session = WORK / "sessions" / f"{file}.sqlite"
    session.parent.mkdir(parents=True, exist_ok=True)
    state = session.with_suffix(".json")
    source = place.source(file)
    now = {"source": digest([source]), "tests": digest(test_sources(file, place.tree))}
    before = json.loads(state.read_text()) if state.exists() else {}
    if before.get("source") != now["source"]:
        session.unlink(missing_ok=True)
        before = now
        state.write_text(json.dumps(now))
    with use_db(str(session)) as database:
        if not database.num_work_items:
            init([source], database, {})
        mutants = choose(database.work_items, source)
        results = dict(database.results)
        again = before.get("tests") != now["tests"]
        waiting = [
            mutant
            for mutant in mutants[:sample]
            if mutant.job_id not in results or (again and not results[mutant.job_id].is_killed)
        ]
        if waiting:
            test_mutants(file, place, waiting, database)
        state.write_text(json.dumps(now))
        return found(file, mutants, sample, dict(database.results)) | {"source": now["source"]}


def digest(paths: list[Path]) -> str:
    """Of the contents of files."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]


def test_sources(file: str, tree: Path) -> list[Path]:
    """The test files of a file, and what these share."""
    tests = [tree / name.partition("::")[0] for name in page.tests_of(file)]
    shared = {path for test in tests for path in test.parent.glob("conftest.py")}
    return [*tests, *sorted(shared), *sorted((tree / "tests").glob("[!t]*.py"))]


def test_mutants(file: str, place: Place, mutants: list[WorkItem], database: WorkDB) -> None:
    """Run the tests once without a mutant, and then on each; quick tests first."""
    tests = page.tests_of(file)
    whole = place.run(tests, 1800.0, {})
    if whole["outcome"] != "passed":
        raise SystemExit(f"The tests of {file} must pass without a mutant, but fail: {whole['by']}")
    timeout = SECONDS + PATIENCE * sum(whole["durations"].values())
    for number, mutant in enumerate(mutants, start=1):
        result = test_mutant(
            file, place, mutant, lambda: place.run(tests, timeout, whole["durations"])
        )
        database.set_result(mutant.job_id, result)
        said = " → ".join(change(result.diff))
        print(f"{file} {number}/{len(mutants)} {result.output}: {said}", flush=True)


def test_mutant(file: str, place: Place, mutant: WorkItem, run) -> WorkResult:
    """The outcome of one mutant."""
    mutation = mutant.mutations[0]
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    path = place.source(file)
    with use_mutation(path, operator, mutation.occurrence) as (original, mutated):
        answer = run()
    survived = answer["outcome"] == "passed"
    said = "survived" if survived else f"{answer['outcome']} {answer['by']}".strip()
    return WorkResult(
        worker_outcome=WorkerOutcome.NORMAL,
        output=said,
        test_outcome=TestOutcome.SURVIVED if survived else TestOutcome.KILLED,
        diff="\n".join(_make_diff(original, mutated, path)),
    )


def found(file: str, mutants: list[WorkItem], sample: int, results: dict) -> dict:
    """What is known of a file's mutants, for `results.json`."""
    tested = [mutant for mutant in mutants[:sample] if mutant.job_id in results]
    return {
        "tests": page.tests_of(file),
        "mutants": len(mutants),
        "tested": len(tested),
        "timeouts": sum(results[m.job_id].output.startswith("timeout") for m in tested),
        "survivors": sorted(survivors(tested, results), key=lambda entry: entry["line"]),
    }


def survivors(tested: list[WorkItem], results: dict) -> Iterator[dict]:
    """Line and change of every mutant that survived."""
    for mutant in tested:
        result = results[mutant.job_id]
        if not result.is_killed:
            was, now = change(result.diff)
            yield {"line": mutant.mutations[0].start_pos[0], "was": was, "is": now}


_noting = threading.Lock()


def note(file: str, entry: dict) -> None:
    """Write what was found of a file."""
    with _noting:
        results = page.results() | {file: entry}
        page.RESULTS.write_text(
            json.dumps(dict(sorted(results.items())), indent=1, ensure_ascii=False) + "\n"
        )
        page.write()


if __name__ == "__main__":
    main()
