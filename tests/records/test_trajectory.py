import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
import xarray

from opentdvp.errors import FileError
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Observable, Trajectory, interpolate, read, write

TRAJECTORY = Trajectory(
    times=np.linspace(0, 1, 5),
    observables={
        "Z": Observable(np.arange(5.0), np.full(5, 0.1)),
        "C_XX": Observable(np.ones((5, 2)), np.zeros((5, 2)), (1, 3)),
    },
    diagnostics={"residual": np.array([0.1, 0.2])},
    deck=json.dumps({"version": 1}),
    provenance={"revision": "abc", "device": "cpu"},
    states={"theta": np.arange(10.0).reshape(5, 2)},
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "run.h5"
    write(TRAJECTORY, path)
    return path


def test_curves_are_interpolated_inside_their_times_only():
    """Two points by a line, four of a cubic exactly; before and after them nothing is known."""
    wanted = np.array([-0.1, 0.0, 0.25, 1.0, 1.1])
    line = interpolate(np.array([0.0, 1.0]), np.array([2.0, 4.0]), wanted)
    np.testing.assert_allclose(line, [np.nan, 2, 2.5, 4, np.nan])
    times = np.array([0.0, 0.3, 0.5, 1.0])
    cubic = interpolate(times, times**3 - times, wanted)
    np.testing.assert_allclose(cubic[1:4], wanted[1:4] ** 3 - wanted[1:4], atol=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.attrs.__setitem__("deck", 3),
        lambda file: file.attrs.__delitem__("provenance.revision"),
        lambda file: file.move("observables/Z_stderr", "Z"),
        lambda file: file.move("observables", "others"),
        lambda file: file["observables"].__setitem__("Y", np.zeros(5)),
        lambda file: put(file, "times", np.array([b"zero"] * 5)),
        lambda file: put(file, "times", 0.0),
        lambda file: put(file, "states/theta", np.zeros((4, 2))),
        lambda file: put(file, "times", np.zeros((5, 2))),
        lambda file: put(file, "observables/Z", np.zeros(5, dtype=complex)),
    ],
)
def test_files_of_another_content_are_refused(path, change):
    """Valid HDF5, but not a trajectory: one clear error, whatever is amiss."""
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(FileError, match=r"^Cannot read .*run\.h5: "):
        read(path)


def put(file, name, values):
    del file[name]
    file[name] = values


def test_round_trip(path):
    loaded = read(path)
    np.testing.assert_array_equal(loaded.times, TRAJECTORY.times)
    assert list(loaded.observables) == ["Z", "C_XX"]
    assert loaded.observables["C_XX"].distances == (1, 3)
    np.testing.assert_array_equal(loaded.observables["Z"].stderr, np.full(5, 0.1))
    np.testing.assert_array_equal(loaded.diagnostics["residual"], [0.1, 0.2])
    np.testing.assert_array_equal(loaded.states["theta"], TRAJECTORY.states["theta"])
    assert loaded.provenance == TRAJECTORY.provenance
    assert loaded.result is ResultCode.SUCCESS
    assert loaded.run_id == TRAJECTORY.run_id


def test_labels_are_dimension_scales_and_come_back(tmp_path):
    """Numbers and text, of one axis or two; every entry is a curve."""
    bonds = {"bond": ("0, 1", "10, 11")}
    pairs = {"site": (0, 1), "other_site": (0, 1)}
    labelled = {
        "J_Z": Observable(np.arange(10.0).reshape(5, 2), np.zeros((5, 2)), labels=bonds),
        "C_ZZ_ij": Observable(np.ones((5, 2, 2)), np.zeros((5, 2, 2)), labels=pairs),
    }
    write(replace(TRAJECTORY, observables=labelled), tmp_path / "labelled.h5")
    loaded = read(tmp_path / "labelled.h5")
    assert {name: dict(o.labels) for name, o in loaded.observables.items()} == {
        "J_Z": bonds,
        "C_ZZ_ij": pairs,
    }
    curves = loaded.curves()
    np.testing.assert_array_equal(curves["J_Z[10, 11]", 0][0], np.arange(1, 10, 2))
    assert ("C_ZZ_ij[1, 0]", 0) in curves
    assert len(curves) == 6
    with h5py.File(tmp_path / "labelled.h5") as file:
        dims = file["observables/C_ZZ_ij_stderr"].dims
        assert [dim.keys() for dim in dims] == [["time"], ["site"], ["other_site"]]


def test_layout_is_the_documented_one(path):
    with h5py.File(path) as file:
        assert file["times"].shape == (5,)
        assert file["observables/C_XX"].shape == (5, 2)
        assert file["observables/C_XX_stderr"].shape == (5, 2)
        assert file["diagnostics/residual"].shape == (2,)
        assert file.attrs["schema_version"] == 2
        assert file.attrs["result"] == "success"
        assert len(file.attrs["run_id"]) == 64


def test_files_of_the_first_version_are_read(path):
    """Those of the archive: a group for each observable, distances as an attribute."""
    with h5py.File(path, "r+") as file:
        del file["observables"]
        file.attrs["schema_version"] = 1
        for name, observable in TRAJECTORY.observables.items():
            file[f"observables/{name}/mean"] = observable.mean
            file[f"observables/{name}/stderr"] = observable.stderr
        file["observables/C_XX"].attrs["distances"] = (1, 3)
    loaded = read(path)
    assert loaded.observables["C_XX"].distances == (1, 3)
    assert loaded.curves().keys() == TRAJECTORY.curves().keys()
    np.testing.assert_array_equal(loaded.observables["Z"].mean, TRAJECTORY.observables["Z"].mean)


def test_axes_have_their_labels_in_xarray(tmp_path):
    """Two axes of one name have names of their own where their labels differ."""
    sites = Observable(np.eye(5)[:, :3], np.zeros((5, 3)), (), {"site": (0, 1, 2)})
    bonds = Observable(np.eye(5)[:, :2], np.zeros((5, 2)), (), {"bond": ("0, 1", "1, 2")})
    farther = Observable(np.eye(5)[:, :3], np.ones((5, 3)), (1, 2, 3))
    added = {"Z_i": sites, "J_Z": bonds, "C_ZZ": farther, "X@1 Z@2": TRAJECTORY.observables["Z"]}
    written = replace(TRAJECTORY, observables=TRAJECTORY.observables | added)
    write(written, tmp_path / "run.h5")
    with xarray.open_dataset(tmp_path / "run.h5", group="observables") as shown:
        assert shown["Z_i"].dims == ("time", "site")
        assert shown["bond"].values.tolist() == ["0, 1", "1, 2"]
        assert shown["C_XX"].sel(distance=3, time=0.25) == 1
        assert shown["C_ZZ_stderr"].dims == ("time", "distance_C_ZZ")
        np.testing.assert_array_equal(shown["time"], TRAJECTORY.times)
    loaded = read(tmp_path / "run.h5").observables
    assert {name: found.axes for name, found in loaded.items()} == {
        name: found.axes for name, found in written.observables.items()
    }
    assert loaded["C_ZZ"].distances == (1, 2, 3)
    with xarray.open_datatree(tmp_path / "run.h5") as tree:
        assert tree["states/theta"].dims == ("time", "parameter")
        assert tree["diagnostics/residual"].dims == ("step",)


def test_equal_trajectories_give_equal_bytes(path, tmp_path):
    write(TRAJECTORY, tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("keep", [0, 100, 3000, -1])
def test_truncated_file_is_refused(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FileError, match="truncated, damaged or not a trajectory"):
        read(path)


def test_damaged_numbers_are_refused(path):
    content = bytearray(path.read_bytes())
    position = content.find(np.arange(5.0).tobytes())
    content[position + 9] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileError, match="truncated, damaged"):
        read(path)


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / "other.h5"
    with pytest.raises(FileError, match="no such file"):
        read(path)
    path.write_text("not HDF5")
    with pytest.raises(FileError, match="not a trajectory file"):
        read(path)
    with h5py.File(path, "w") as file:
        file["times"] = [1.0]
    with pytest.raises(FileError, match="not a trajectory file"):
        read(path)


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("schema_version", 3, "schema version must be 1 or 2, but is 3"),
        ("deck", "{}", "run id does not belong to its deck"),
        ("result", "fine", "not a trajectory"),
    ],
)
def test_changed_attributes_are_refused(path, attribute, value, message):
    with h5py.File(path, "r+") as file:
        file.attrs[attribute] = value
    with pytest.raises(FileError, match=message):
        read(path)


def test_shapes_that_do_not_fit_are_refused(tmp_path):
    wrong = replace(TRAJECTORY, times=np.linspace(0, 1, 4))
    write(wrong, tmp_path / "run.h5")
    with pytest.raises(FileError, match=r"`Z` must have the shape \(4,\), but has \(5,\)"):
        read(tmp_path / "run.h5")
