"""Site averages of given expectation values, pair by pair."""

import numpy as np
import pytest

from opentdvp.config import Observables
from opentdvp.geometry.lattice import Lattice
from opentdvp.references.site_averages import site_averages

OBSERVABLES = Observables(magnetization=("X", "Z"), correlators={"XX": (1, 2), "YZ": (2,)})


@pytest.mark.parametrize("times", [(), (3,), (2, 3)])
@pytest.mark.parametrize(
    ("periodic", "pairs"),
    [
        (True, {1: [(0, 1), (1, 2), (2, 3), (3, 0)], 2: [(0, 2), (1, 3), (2, 0), (3, 1)]}),
        (False, {1: [(0, 1), (1, 2), (2, 3)], 2: [(0, 2), (1, 3)]}),
    ],
)
def test_pairs_are_averaged_at_every_time(times, periodic, pairs):
    random = np.random.default_rng(5)
    means = {axis: random.normal(size=(*times, 4)) for axis in "XYZ"}
    together = {letters: random.normal(size=(*times, 4, 4)) for letters in ("XX", "YZ")}

    def correlation(letters, first, second):
        return together[letters][..., first, second]

    found = site_averages(means, correlation, Lattice((4,), periodic), OBSERVABLES)
    assert set(found) == {"X", "Z", "C_XX", "C_YZ"}
    for axis in "XZ":
        np.testing.assert_allclose(found[axis], sum(means[axis][..., i] for i in range(4)) / 4)
    for a, b in ("XX", "YZ"):
        column = {1: 0, 2: 1} if a == b else {2: 0}
        assert found[f"C_{a}{b}"].shape == (*times, len(column))
        for distance, k in column.items():
            connected = [
                together[a + b][..., i, j] - means[a][..., i] * means[b][..., j]
                for i, j in pairs[distance]
            ]
            expected = sum(connected) / len(connected)
            np.testing.assert_allclose(found[f"C_{a}{b}"][..., k], expected)
