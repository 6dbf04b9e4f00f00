"""Measuring a result: other observables, from the states that its run has kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from opentdvp.config import Deck
from opentdvp.config.measurement import Measured
from opentdvp.config.messages import explain, one_line, sentences
from opentdvp.errors import ConfigError
from opentdvp.interface.progress import shown
from opentdvp.interface.results import AnyPath, Result, as_result, read
from opentdvp.interface.validated import plain
from opentdvp.records.files import followed
from opentdvp.records.permissions import reserved


def measure(
    result: Result | AnyPath,
    observables: Mapping[str, Any],
    times: Sequence[float] | None = None,
    samples: int | None = None,
    out: AnyPath | None = None,
    progress: bool = True,
) -> Result:
    """Measure other observables of a run, from what it has kept, such as a network's parameters.

    Parameters
    ----------
    result
        A result, or the path of its file.
    observables
        What to measure, as in a configuration, such as {"profiles": ["Z"]}.
    times
        Some of those of the run, or between them; all of the run's without it.
    samples
        How many samples of a network; as many as in the run without it.
    out, progress
        File of the new result, as `opentdvp measure` writes it, and whether to show how far it is.

    Raises
    ------
    ConfigError
        If the system has not what is to be measured, or the solver keeps nothing.
    FileError
        If the run has kept nothing, or a file cannot be written.

    Examples
    --------
    >>> import opentdvp as od
    >>> system = od.System.chain(3, fields={"X": 1}, start={"Z": 1}, times=[0.01, 0.02])
    >>> product = {"kind": "jastrow", "weight": 1, "range": 1, "pair_range": 1}
    >>> network = od.Tdvp.preset("quick", network=product, sampling={"kind": "enumeration"})
    >>> result = od.solve(system, network, progress=False)
    >>> measured = od.measure(result, {"profiles": ["Z"]}, progress=False)
    >>> measured.to_xarray()["Z_i"].dims
    ('time', 'site')
    """
    from opentdvp.running.measure import measured_deck

    kept = as_result(result, "result")
    deck = measured_deck(kept.trajectory, _wanted(observables, times, samples))
    return measured_result(kept, deck, None if out is None else followed(Path(out)), progress)


def measured_result(kept: Result, deck: Deck, out: Path | None, progress: bool) -> Result:
    """Measure for a deck, and write the result if it has a file; see `measure`."""
    from opentdvp.running.measure import measure as measured
    from opentdvp.running.measure import measure_outputs, measure_to_file

    last = deck.system.time.last
    if out is None:
        with shown(last, progress) as report:
            return Result(measured(deck, kept.trajectory, report), kept.timing)
    source = kept.path or Path("unknown.h5")
    inputs = [kept.path] if kept.path else []
    with reserved(measure_outputs(out), inputs), shown(last, progress) as report:
        measure_to_file(deck, kept.trajectory, source, out, report)
    return read(out)


def _wanted(
    observables: Mapping[str, Any], times: Sequence[float] | None, samples: int | None
) -> Measured:
    keys = {"observables": plain(dict(observables)), "samples": samples}
    if times is not None:
        keys["time"] = {"times": plain(list(times))}
    try:
        return Measured.model_validate(keys)
    except ValidationError as error:
        raise ConfigError(one_line(sentences(explain(error, keys)))) from None
