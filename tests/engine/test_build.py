"""What an engine's compiled functions remember, and what not."""

import os
import subprocess
import sys
from contextlib import nullcontext

import jax
import numpy as np
import pytest
from pipeline import TINY
from solvers import ENUMERATION, chains, direct, jastrow, tdvp
from systems import heisenberg_ring

from opentdvp.engine.assembly import check
from opentdvp.engine.build import build_engine
from opentdvp.errors import ConfigError

CUTOFFS = ("eigenvalue_cutoff", "signal_to_noise_cutoff")


@pytest.mark.parametrize(("sampling", "remembered"), [(ENUMERATION, True), (direct(64), False)])
def test_without_samples_the_last_right_hand_side_is_remembered(sampling, remembered):
    """The end of a step is then the start of the next one for free; other points are not."""
    engine = build_engine(heisenberg_ring(3), tdvp(sampling=sampling), jax.random.key(1))
    theta = engine.theta
    keys = jax.random.split(jax.random.key(2))
    drawn = [engine.draw(theta, {}, key)[1] for key in keys]
    first, second = (engine.derivative(theta, ensemble) for ensemble in drawn)
    assert (first.velocity is second.velocity) == remembered
    elsewhere = engine.derivative(theta + first.velocity, drawn[0])
    assert (elsewhere.velocity != first.velocity).any()


@pytest.mark.parametrize("method", ["cholesky", "eigenvalues"])
def test_later_stages_of_a_step_have_the_velocity_of_a_solve_there(method):
    """By conjugate gradients with a factor, or by the solve itself."""
    settings = {"cholesky": {"shift": 1e-7}, "eigenvalues": dict.fromkeys(CUTOFFS, 0.0)}[method]
    solver = jastrow(
        2,
        3,
        3,
        sampling=chains(solve=2000, moved=0.3),
        samples="fixed",
        regularization={"method": method, **settings},
    )
    engine = build_engine(heisenberg_ring(4), solver, jax.random.key(1))
    _, ensemble = engine.draw(engine.theta, engine.sampler_state, jax.random.key(2))
    first = engine.derivative(engine.theta, ensemble)
    assert (first.damped is None) == (method == "eigenvalues")
    theta = engine.theta + 0.02 * first.velocity
    found, expected = engine.later(theta, ensemble, first), engine.derivative(theta, ensemble)
    assert first.norm(first.velocity - expected.velocity) > 0.02 * first.norm(first.velocity)
    distance = first.norm(found - expected.velocity) / first.norm(expected.velocity)
    assert distance < 1e-4
    assert (distance == 0) == (method == "eigenvalues")


def test_later_stages_know_the_drives_at_their_times():
    """The factor of S is one at any time, though the generator is another one."""
    drive = {"kind": "ramp", "first": 0.2, "last": -1.0, "stop": 1.0}
    couplings = {"XX": {"strength": 2.0, "drive": drive}, "ZZ": 1.0}
    solver = jastrow(
        2,
        3,
        3,
        sampling=chains(solve=2000),
        samples="fixed",
        regularization={"method": "cholesky", "shift": 1e-7},
    )
    engine = build_engine(heisenberg_ring(4, couplings=couplings), solver, jax.random.key(1))
    _, ensemble = engine.draw(engine.theta, engine.sampler_state, jax.random.key(2))
    factors = [engine.factors(time) for time in (0.0, 0.75, 2.0)]
    np.testing.assert_allclose(factors, [[0.2], [-0.7], [-1.0]])
    first = engine.derivative(engine.theta, ensemble, factors[0])
    theta = engine.theta + 0.02 * first.velocity
    found = engine.later(theta, ensemble, first, factors[1])
    expected = engine.derivative(theta, ensemble, factors[1]).velocity
    assert first.norm(first.velocity - expected) > 0.5 * first.norm(expected)
    assert first.norm(found - expected) < 1e-3 * first.norm(expected)
    # Linear in the factors.
    sides = [engine.derivative(theta, ensemble, f).velocity for f in factors]
    between = sides[0] + (sides[2] - sides[0]) * 0.9 / 1.2
    assert first.norm(between - sides[1]) < 1e-8 * first.norm(sides[1])
    with pytest.raises(TypeError):
        engine.derivative(theta, ensemble)


@pytest.mark.parametrize("distance", [0, 1e-8, 1e-4, 1e-2])
@pytest.mark.parametrize("sampling", [ENUMERATION, direct(1024)])
def test_start_that_the_povm_all_but_forbids_is_refused(distance, sampling):
    """The outcomes that hardly occur are those that the dynamics fills."""
    system = heisenberg_ring(3, start={"Z": distance - 1})
    allowed = distance >= 1e-4 and sampling is ENUMERATION
    with nullcontext() if allowed else pytest.raises(ConfigError, match="the other orientation"):
        check(system, tdvp(povm="z_aligned", sampling=sampling))
    check(system, tdvp(povm="cubic", sampling=sampling))


def test_sample_space_forms_no_matrix_of_parameters():
    """With it a right-hand side would need 200 MB more."""
    shift = {"method": "sample_space", "shift": 1e-3}
    solver = tdvp(width=66, sampling=direct(solve=32, held_out=8), regularization=shift, chunk=8)
    engine = build_engine(heisenberg_ring(3), solver, jax.random.key(0))
    square = 8 * engine.theta.size**2
    assert square > 150e6
    assert engine.memory < square / 2
    _, ensemble = engine.draw(engine.theta, {}, jax.random.key(1))
    found = engine.derivative(engine.theta, ensemble)
    assert found.fisher is None
    assert engine.memory > np.asarray(found.rows).nbytes
    change = np.sin(np.arange(engine.theta.size))
    expected = np.linalg.norm(np.asarray(found.rows) @ change)
    assert found.norm(change) == pytest.approx(expected)
    assert expected > 0


@pytest.mark.parametrize("platform", ["cuda", "nonsense", "cpu,,"])
def test_devices_that_are_not_there_are_named_in_one_line(tmp_path, platform):
    words = [sys.executable, "-m", "opentdvp", "run", TINY, "ring_3", "tdvp"]
    done = subprocess.run(
        [*map(str, words), "--out", str(tmp_path / "run.h5")],
        env=os.environ | {"JAX_PLATFORMS": platform},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "environment variable JAX_PLATFORMS must name devices" in done.stderr
    assert repr(platform) in done.stderr
