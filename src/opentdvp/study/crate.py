"""A study as a Workflow Run RO-Crate: what each file is, which code made it, when and where."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from opentdvp.config import Run, Study
from opentdvp.errors import ConfigError, FileError, OpentdvpError
from opentdvp.judging.comparable import read_run
from opentdvp.records.files import replacing
from opentdvp.records.permissions import Output
from opentdvp.records.provenance import separate
from opentdvp.records.timing import read_timing, timing_path

if TYPE_CHECKING:
    from rocrate.model import Entity
    from rocrate.rocrate import ROCrate

#: Name of the file, in the folder that it describes.
NAME = "ro-crate-metadata.json"

_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
_PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
_FORMATS = {
    ".h5": "application/x-hdf5",
    ".json": "application/json",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".py": "text/x-python",
    ".tsv": "text/tab-separated-values",
    ".yaml": "application/yaml",
}
# The parameters of the workflow: their names, and whether it takes or gives them.
_TAKEN, _GIVEN = ("configuration",), ("trajectories", "tables", "figures")


def describe(study: Study, sources: Iterable[Path], license_url: str) -> dict[str, Any]:
    """The metadata of a study that is complete, as JSON-LD; equal for equal files.

    Workflow Run Crate 0.5 (Leo et al., PLOS ONE 19, e0309210, 2024): one action for the
    workflow, and one for each run, with the revision of the code, begin and end, and machine.

    Parameters
    ----------
    sources
        The files that its configuration was read from, the one that was named first.
    license_url
        Under which licence its files may be used.

    Raises
    ------
    FileError
        If there is no Snakefile, or a run, a table or a figure is missing or not that of the
        configuration.
    ConfigError
        If results, figures or configuration are outside the folder that the command works in.
    OpentdvpError
        If the package rocrate is not installed.
    """
    crate = _empty()
    crate.metadata.extra_contexts.append(_TERMS)
    configuration = [_file(crate, path, "configuration") for path in sources]
    workflow = _workflow(crate)
    runs = [_run(crate, study, run, configuration) for run in study.used()]
    made = [result for action in runs for result in action["result"]]
    made += [_file(crate, path, "tables") for path in _tables(study)]
    made += [_file(crate, path, "figures") for path in _figures(study)]
    finished = max(action["endTime"] for action in runs)
    whole = _action(
        crate,
        "#workflow",
        {"name": f"All runs, tables and figures of {_name(configuration)}", "endTime": finished},
        {"instrument": workflow, "object": configuration, "result": made},
    )
    _root(crate, configuration, finished, license_url, [whole, *runs])
    return crate.metadata.generate()


def output() -> Output:
    """The metadata as the output of a command."""
    return Output(Path(NAME), "the metadata of an RO-Crate", _is_crate)


def write(crate: Mapping[str, Any]) -> None:
    """Write the metadata into the folder that one works in, in whole or not at all.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    with replacing(Path(NAME)) as temporary:
        text = json.dumps(crate, indent=1, sort_keys=True, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def _empty() -> "ROCrate":
    try:
        from rocrate.rocrate import ROCrate
    except ImportError as error:
        raise OpentdvpError(
            "The package rocrate must be installed, but is not; it is in the extra "
            'opentdvp[workflow], or give: pip install "rocrate>=0.14".'
        ) from error
    return ROCrate(version="1.1")


def _is_crate(stream: IO[bytes]) -> bool:
    return "@graph" in json.load(stream)


def _name(configuration: list["Entity"]) -> str:
    return str(configuration[0].id)


def _root(
    crate: "ROCrate",
    configuration: list["Entity"],
    finished: str,
    license_url: str,
    actions: list["Entity"],
) -> None:
    crate.name = f"Runs, tables and figures of {_name(configuration)}"
    crate.description = (
        "Simulations of open quantum spin systems by opentdvp: trajectories, their comparisons "
        "with references, and figures."
    )
    crate.license = license_url
    crate.root_dataset["datePublished"] = finished
    crate.root_dataset["conformsTo"] = [
        _context(crate, url, "CreativeWork", {"name": name, "version": version})
        for url, (name, version) in _PROFILES.items()
    ]
    crate.root_dataset["mentions"] = actions


def _workflow(crate: "ROCrate") -> "Entity":
    if not Path("Snakefile").is_file():
        raise FileError(
            "The folder must be one with a Snakefile, but has none; change to that of the project."
        )
    workflow = crate.add_workflow("Snakefile", "Snakefile", main=True, lang="snakemake")
    workflow["name"] = "opentdvp"
    workflow["input"] = [_parameter(crate, name) for name in _TAKEN]
    workflow["output"] = [_parameter(crate, name) for name in _GIVEN]
    return workflow


def _parameter(crate: "ROCrate", name: str) -> "Entity":
    about = {"name": name, "additionalType": "File", "conformsTo": {"@id": _PARAMETER}}
    return _context(crate, f"#{name}", "FormalParameter", about)


def _run(crate: "ROCrate", study: Study, run: Run, configuration: list["Entity"]) -> "Entity":
    path = study.output.trajectory(run)
    read, cost = read_run(study, run, path), read_timing(path)
    end = datetime.fromisoformat(cost["finished"])
    about = {
        "name": f"{run.system} by {run.solver}",
        "identifier": study.deck(run).run_id,
        "description": f"{cost['wall_seconds']:.0f} s, {cost['peak_memory_MiB']} MiB, "
        f"{cost['machine']}",
        "endTime": end.isoformat(),
    }
    # The time of a run that went on from a checkpoint has pauses in it that nobody has counted.
    if not cost["resumed"]:
        about["startTime"] = (end - timedelta(seconds=cost["wall_seconds"])).isoformat()
    files = [_file(crate, one, "trajectories") for one in (path, timing_path(path))]
    code = [_code(crate, one) for one in separate(read.provenance["revision"])]
    parts = {"instrument": code, "object": configuration, "result": files}
    return _action(crate, f"#{run.system}/{run.solver}", about, parts)


def _code(crate: "ROCrate", revision: str) -> "Entity":
    about = {"name": "opentdvp", "softwareVersion": revision}
    return _context(crate, f"#opentdvp@{revision}", "SoftwareApplication", about)


def _action(
    crate: "ROCrate", identity: str, about: Mapping[str, str], parts: Mapping[str, Any]
) -> "Entity":
    completed = {"actionStatus": "http://schema.org/CompletedActionStatus"}
    action = _context(crate, identity, "CreateAction", {**about, **completed})
    for key, entities in parts.items():
        action[key] = entities
    return action


def _context(crate: "ROCrate", identity: str, kind: str, about: Mapping[str, Any]) -> "Entity":
    from rocrate.model import ContextEntity

    known = crate.get(identity)
    if known is not None:
        return known
    return crate.add(ContextEntity(crate, identity, {"@type": kind, **about}))


def _tables(study: Study) -> list[Path]:
    compared = [
        path
        for name in study.comparisons
        for path in (study.output.summary(name), study.output.points(name))
    ]
    derived = [study.output.derived(name) for name, f in study.figures.items() if f.derived]
    pages = ["closeness", "overview", "runs", *(["panels"] if study.panels else [])]
    return compared + derived + [Path(study.output.figures, f"{page}.md") for page in pages]


def _figures(study: Study) -> list[Path]:
    folder = Path(study.output.figures)
    return [folder / f"{name}.{kind}" for name in study.figures for kind in ("png", "pdf")]


def _file(crate: "ROCrate", path: Path, parameter: str) -> "Entity":
    """A file of the folder, and which parameter of the workflow it is a value of."""
    place = _inside(path)
    known = crate.get(place)
    if known is not None:
        return known
    about = {
        "name": path.name,
        "encodingFormat": _FORMATS.get(path.suffix, "application/octet-stream"),
        "exampleOfWork": {"@id": f"#{parameter}"},
    }
    return crate.add_file(place, place, properties=about)


def _inside(path: Path) -> str:
    here = Path.cwd()
    if not path.resolve().is_relative_to(here.resolve()):
        raise ConfigError(
            "Results, figures and configuration must be in the folder that you work in, but "
            f"{path} is not; change to the folder of the project, or `output` in the configuration."
        )
    if not path.is_file():
        raise FileError(f"{path} is missing; make all of the configuration first.")
    return path.resolve().relative_to(here.resolve()).as_posix()
