"""Matrix products that depend on the time: closed forms, and the order of the splitting."""

import numpy as np
import pytest
from solvers import solved, tensor_network
from systems import free_spins, heisenberg_ring

#: A field that rotates about Z, with its strength, and one along Z.
ACROSS, FREQUENCY, ALONG = 0.9, 3.0, 0.4


def rotating(start, **changes):
    """Spins in a rotating field, H = h(X cos ωt + Y sin ωt) + dZ each, coupled by nothing."""
    cosine = {"kind": "cosine", "frequency": FREQUENCY}
    return free_spins(
        3,
        fields={
            "X": {"strength": ACROSS, "drive": cosine},
            "Y": {"strength": ACROSS, "drive": {**cosine, "phase": -np.pi / 2}},
            "Z": ALONG,
        },
        start=start,
        **{"jumps": [], "time": {"stop": 2.0, "points": 3}, "observables": {}} | changes,
    )


def turned(vector, axis, angle):
    """A Bloch vector turned about an axis (Rodrigues)."""
    axis = np.array(axis) / np.linalg.norm(axis)
    across = np.cross(axis, vector)
    along = axis * (axis @ vector)
    return along + np.cos(angle) * (vector - along) + np.sin(angle) * across


def bloch_at(vector, time):
    """In the frame that rotates with the field, H = hX + (d − ω/2)Z is constant."""
    effective = np.array([ACROSS, 0, ALONG - FREQUENCY / 2])
    inside = turned(vector, effective, 2 * np.linalg.norm(effective) * time)
    return turned(inside, [0, 0, 1], FREQUENCY * time)


def largest_error(found, vectors):
    times = np.linspace(0, 2, 3)
    expected = np.mean([[bloch_at(v, t) for t in times] for v in vectors], axis=0)
    means = np.stack([found.observables[axis].mean for axis in "XYZ"], axis=1)
    return np.abs(means - expected).max()


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("method", ["mps", "mpo"])
def test_error_falls_with_the_time_step_to_the_order_of_the_splitting(method, order):
    vectors = np.array([[1, 0, 0], [0, 0.6, 0.8], [0, 0, -1]])
    start = [dict(zip("XYZ", map(float, v), strict=True)) for v in vectors]
    coarse, fine = (
        largest_error(
            solved(rotating(start), tensor_network(method, time_step=step, order=order)), vectors
        )
        for step in (0.25, 0.125)
    )
    assert np.log2(coarse / fine) == pytest.approx(order, abs=0.3)
    assert fine < {2: 2e-2, 4: 3e-4}[order]


def test_steps_end_where_a_drive_is_not_smooth():
    """Then the midpoint rule integrates what is linear in between exactly."""
    times, values = [0.17, 0.44, 0.61], [1.5, 0.2, 2.0]
    table = {"kind": "table", "times": times, "values": values}
    system = free_spins(
        3,
        fields={"Z": {"strength": 0.7, "drive": table}},
        jumps=[{"operator": "Z", "rate": 0.3, "drive": {**table, "values": values[::-1]}}],
        start={"X": 1.0},
        time={"stop": 1.0, "points": 3},
        observables={},
    )
    found = solved(system, tensor_network(time_step=0.1)).observables
    for row, stop in enumerate((0, 0.5, 1)):
        knots = np.array([t for t in [0, *times] if t < stop] + [stop])
        angle, decay = (
            np.trapezoid(np.interp(knots, times, column), knots)
            for column in (values, values[::-1])
        )
        shrunk = np.exp(-2 * 0.3 * decay)
        assert found["X"].mean[row] == pytest.approx(shrunk * np.cos(1.4 * angle), abs=1e-9)
        assert found["Y"].mean[row] == pytest.approx(shrunk * np.sin(1.4 * angle), abs=1e-9)


def test_a_pulse_shorter_than_a_step_is_not_missed():
    """A turn about X by twice its area, which is width·√(2π)."""
    pulse = {"kind": "pulse", "centre": 5.0, "width": 0.01}
    system = free_spins(
        2,
        fields={"X": {"strength": 20.0, "drive": pulse}},
        jumps=[],
        start={"Z": 1.0},
        time={"stop": 10.0, "points": 3},
        observables={},
    )
    found = solved(system, tensor_network("mps", time_step=1.0, order=2)).observables["Z"]
    expected = np.cos(2 * 20.0 * 0.01 * np.sqrt(2 * np.pi))
    assert abs(found.mean[-1] - expected) < found.stderr[-1] < 0.02


def test_resumed_equals_uninterrupted():
    system = heisenberg_ring(
        3,
        couplings={"XX": {"strength": 2.0, "drive": {"kind": "cosine", "frequency": 4.0}}},
        jumps=[
            {
                "operator": "sigma_minus",
                "rate": 1.0,
                "drive": {"kind": "ramp", "first": 0.0, "last": 1.0, "stop": 0.25},
            }
        ],
        lattice={"kind": "chain", "size": (3,), "periodic": False},
        time={"stop": 0.4, "points": 3},
    )
    solver, kept = tensor_network(bond_dimension=8, time_step=0.1, order=2), []
    whole = solved(system, solver, keep=kept.append)
    assert len(kept) == 6
    for state in kept:
        resumed = solved(system, solver, resume_from=state)
        for pair in zip(whole.curves().values(), resumed.curves().values(), strict=True):
            np.testing.assert_array_equal(*pair)
