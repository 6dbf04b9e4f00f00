"""The Lindbladian on one and two sites against products of Pauli matrices worked out by hand."""

import numpy as np
import pytest
from systems import free_spins

from opentdvp.physics.model import Term, build_model
from opentdvp.physics.pauli.local_generators import LETTERS, pair_generator, site_generator


def entry(generator, to, source):
    """G at two strings of letters."""
    shape = (4,) * (2 * len(to))
    return generator.reshape(shape)[tuple(LETTERS.index(letter) for letter in to + source)]


@pytest.mark.parametrize(
    ("term", "to", "source", "value"),
    [
        # d<ZI>/dt = i<[XX, ZI]> = 2<YX>, and so on.
        ("XX", "ZI", "YX", 2),
        ("XX", "YX", "ZI", -2),
        ("XX", "IZ", "XY", 2),
        ("XY", "ZI", "YY", 2),
        ("XY", "IX", "XZ", 2),
        ("XX", "XI", "IX", 0),
        ("XX", "XX", "XX", 0),
    ],
)
def test_pair_generator_is_the_commutator(term, to, source, value):
    generator = pair_generator(Term(term, (0, 1), 0.7))
    assert entry(generator, to, source) == pytest.approx(0.7 * value)
    np.testing.assert_allclose(generator, -generator.T, atol=1e-15)
    assert not generator[0].any()


def test_decay_turns_z_down_and_halves_the_rate_across():
    """γ σ⁻: d<Z>/dt = −γ(1 + <Z>), d<X>/dt = −γ<X>/2."""
    generator = site_generator(build_model(free_spins()), 0)
    np.testing.assert_allclose(
        generator, [[0] * 4, [0, -0.5, 0, 0], [0, 0, -0.5, 0], [-1, 0, 0, -1]]
    )
