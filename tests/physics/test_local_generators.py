"""The Lindbladian on one and two sites against products of Pauli matrices worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from systems import free_spins

from opentdvp.physics.model import Term, build_model, one_site
from opentdvp.physics.pauli.local_generators import LETTERS, site_generator, term_generator
from opentdvp.physics.spin import PAULI


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
def test_term_generator_is_the_commutator(term, to, source, value):
    generator = term_generator(Term(term, (0, 1), 0.7))
    assert entry(generator, to, source) == pytest.approx(0.7 * value)
    np.testing.assert_allclose(generator, -generator.T, atol=1e-15)
    assert not generator[0].any()


@pytest.mark.parametrize(
    ("axis", "turning"),
    [("X", ("Z", "Y")), ("Y", ("X", "Z")), ("Z", ("Y", "X"))],
)
def test_a_field_turns_the_spin_about_its_axis(axis, turning):
    """H = hZ: d<Y>/dt = 2h<X>, d<X>/dt = −2h<Y>, and so on around; only where the field is."""
    model = build_model(free_spins(fields={axis: 0.7}, jumps=[]))
    model = replace(model, terms=(*model.terms, Term("ZZ", (0, 1), 3.0)))
    generator = site_generator(model, 0)
    expected = np.zeros((4, 4))
    to, source = map(LETTERS.index, turning)
    expected[to, source], expected[source, to] = 1.4, -1.4
    np.testing.assert_allclose(generator, expected, atol=1e-15)
    elsewhere = replace(model, terms=tuple(term for term in model.terms if term.sites != (0,)))
    assert not site_generator(elsewhere, 0).any()
    assert site_generator(elsewhere, 1).any()


def test_jumps_and_fields_are_those_of_the_master_equation():
    """d<σ_a>/dt = Tr(σ_a ρ̇) with ρ̇ = −i[H, ρ] + Σ γ(LρL† − ½{L†L, ρ}) at random states."""
    random = np.random.default_rng(2)
    jumps = [random.normal(size=(2, 2)) + 1j * random.normal(size=(2, 2)) for _ in range(2)]
    rates, fields = (0.4, 1.7), {"X": 0.3, "Y": -0.8, "Z": 1.1}
    model = replace(
        build_model(free_spins(fields=fields, jumps=[])),
        jumps=(
            one_site(jumps[0], 0, rates[0]),
            one_site(jumps[1], 0, rates[1]),
            one_site(jumps[0], 1, 5.0),
        ),
    )
    hamiltonian = sum(h * PAULI[axis] for axis, h in fields.items())
    generator = site_generator(model, 0)
    for _ in range(3):
        bloch = np.array([1, *random.uniform(-0.5, 0.5, 3)])
        rho = sum(r * PAULI[letter] for r, letter in zip(bloch, LETTERS, strict=True)) / 2
        change = -1j * (hamiltonian @ rho - rho @ hamiltonian)
        for rate, jump in zip(rates, jumps, strict=True):
            loss = jump.conj().T @ jump
            change += rate * (jump @ rho @ jump.conj().T - (loss @ rho + rho @ loss) / 2)
        expected = [np.trace(PAULI[letter] @ change).real for letter in LETTERS]
        np.testing.assert_allclose(generator @ bloch, expected, atol=1e-14)


def test_decay_turns_z_down_and_halves_the_rate_across():
    """γ σ⁻: d<Z>/dt = −γ(1 + <Z>), d<X>/dt = −γ<X>/2."""
    generator = site_generator(build_model(free_spins()), 0)
    np.testing.assert_allclose(
        generator, [[0] * 4, [0, -0.5, 0, 0], [0, 0, -0.5, 0], [-1, 0, 0, -1]]
    )
