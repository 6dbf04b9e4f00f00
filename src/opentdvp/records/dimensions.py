"""Labels of observables in files, as netCDF has them: scales with names, attached to values.

Other programs show by them what an axis is, `xarray.open_dataset(file, group="observables")` among
them. What stands here works on the groups and arrays of HDF5 that it is given.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from opentdvp.config.observables import Labels

#: What the entries along an axis are.
Entries = tuple[int | str, ...]

TIME, DISTANCE = "time", "distance"
#: What follows the name of an observable in that of its standard errors.
STDERR = "_stderr"
#: The name that netCDF gives a scale that has no labels.
_NO_LABELS = "This is a netCDF dimension but not a netCDF variable."


def named_axes(observables: Mapping[str, Labels]) -> dict[str, dict[str, Entries]]:
    """Labels by observable, such that two of the same name have the same labels.

    The first ones keep their names, others have that of their observable added.
    """
    known: dict[str, Entries] = {}
    found = {}
    for observable, axes in observables.items():
        names = {
            name if known.setdefault(name, tuple(labels)) == tuple(labels) else
            f"{name}_{observable}": tuple(labels)
            for name, labels in axes.items()
        }  # fmt: skip
        known |= names
        found[observable] = names
    return found


def put(group: Any, name: str, values: np.ndarray, **filters: Any) -> Any:
    """Write an array, and return it as it is in the file."""
    # Checksums make a damaged file fail on reading instead of giving wrong numbers.
    settings = {"fletcher32": True, "chunks": np.shape(values), **filters}
    return group.create_dataset(name, data=np.asarray(values), **settings)


def put_scale(group: Any, name: str, labels: np.ndarray | Entries) -> None:
    """Write the labels of an axis; text has the length that netCDF knows, any, and no checksum."""
    entries = np.array(labels)
    if entries.dtype.kind == "U":
        scale = group.create_dataset(name, data=list(map(str, labels)))
    else:
        scale = put(group, name, entries)
    scale.make_scale(name)


def put_values(group: Any, name: str, values: np.ndarray, axes: Labels) -> None:
    """Write values with the time as their first axis; the scales of all axes must be there."""
    data = put(group, name, values)
    for number, axis in enumerate((TIME, *axes)):
        data.dims[number].attach_scale(group[axis])


def put_series(group: Any, name: str, values: np.ndarray, axes: str, **filters: Any) -> None:
    """Write values whose axes have names, separated by spaces, and no labels but what is there."""
    data = put(group, name, values, **filters)
    names = axes.split()
    for number, length in enumerate(np.shape(values)):
        data.dims[number].attach_scale(_dimension(group, names[min(number, 1)], length))


def _dimension(group: Any, name: str, length: int) -> Any:
    """The scale of a name and length, made unless it is there."""
    if name in group and len(group[name]) != length:
        name = f"{name}_{length}"
    if name not in group:
        # Without values, which take no place in the file.
        group.create_dataset(name, (length,), dtype=">f4").make_scale(f"{_NO_LABELS}{length:10d}")
    return group[name]


def series_in(group: Any) -> Iterator[tuple[str, Any]]:
    """All arrays of a group that are no scales."""
    return ((name, values) for name, values in group.items() if not values.is_scale)


def put_observables(
    group: Any,
    times: np.ndarray,
    axes: Mapping[str, Labels],
    values: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> None:
    """Write means and standard errors, and before them the scales of all their axes."""
    put_scale(group, TIME, times)
    named = named_axes(axes)
    scales = {name: labels for each in named.values() for name, labels in each.items()}
    for name, labels in scales.items():
        put_scale(group, name, labels)
    for name, (mean, stderr) in values.items():
        put_values(group, name, mean, named[name])
        put_values(group, name + STDERR, stderr, named[name])


def observables_in(group: Any) -> Iterator[tuple[str, Any, Any, dict[str, Entries]]]:
    """Name, mean, standard error and axes of all observables that were written so."""
    for name, mean in series_in(group):
        if not name.endswith(STDERR):
            scales = (dimension[0] for dimension in list(mean.dims)[1:])
            axes = {_plain(scale.name, name): _labels(scale) for scale in scales}
            yield name, mean, group[name + STDERR], axes


def _plain(place: str, observable: str) -> str:
    return place.rpartition("/")[2].removesuffix(f"_{observable}")


def _labels(scale: Any) -> Entries:
    entries = scale.asstr()[:] if scale.dtype.kind == "O" else scale[:]
    return tuple(entries.tolist())
