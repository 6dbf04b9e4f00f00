"""Several devices, in one process or in two, compute what one device does."""

import os
import socket
import subprocess
import sys

import jax
import numpy as np
import pytest
from solvers import chains, direct, growing, jastrow, tdvp
from systems import heisenberg_ring

from opentdvp.engine.build import build_engine
from opentdvp.engine.devices import cached_chunk, for_samples

#: 53 samples in chunks of 7: 8 chunks, the last of 4, which 2 or 3 devices cannot share evenly.
SYSTEM = heisenberg_ring(3)
SHIFT = {"method": "cholesky", "shift": 1e-3}
SOLVER = tdvp(width=3, sampling=direct(solve=53), regularization=SHIFT, chunk=7)

#: Five parts of at most 1024 chains.
COUNTS = chains(solve=3000, held_out=1300, observables=6000, sweeps=2)
ON_CHAINS = {"sampling": COUNTS, "regularization": SHIFT, "chunk": 700}
SOLVERS = {
    "direct": SOLVER,
    "chains": jastrow(2, 2, 2, **ON_CHAINS),
    "growing": jastrow(3, 3, 3, growth=growing(12), **ON_CHAINS),
}

SCRIPT = """
import sys
import jax

address, process, out = sys.argv[1:]
if address:
    jax.distributed.initialize(address, num_processes=2, process_id=int(process))

import numpy as np
from test_devices import results

np.savez(out, devices=jax.device_count(), **results())
"""


def results():
    """A right-hand side at some θ and observables, by name, of each kind of sampling."""
    return {
        f"{kind} {name}": value
        for kind, solver in SOLVERS.items()
        for name, value in _results(solver).items()
    }


def _results(solver):
    engine = build_engine(SYSTEM, solver, jax.random.key(0))
    theta = engine.theta + 0.3 * np.sin(np.arange(engine.theta.size))
    state, ensemble = engine.draw(theta, engine.sampler_state, jax.random.key(1))
    gains = {}
    if engine.growing is not None:
        numbers = engine.growing.numbers(engine.growing.first)
        ensemble = engine.growing.restrict(ensemble, numbers)
        gains = {"gains": engine.growing.gains(theta, ensemble)}
        assert gains["gains"].any()
    found = engine.derivative(theta, ensemble)
    seen = engine.measure(theta, state, jax.random.key(2), 0.0)
    means = {f"observable {name}": mean for name, (mean, _) in seen.items()}
    rates = {"velocity": found.velocity, "fisher": found.fisher}
    return {**gains, **rates, **found.diagnostics, **means, **state}


@pytest.fixture(scope="module")
def expected():
    return results()


def start(out, flags="", address="", process=0):
    """The script in a process of its own, which writes its results to a file."""
    folder = os.path.dirname(__file__)
    environment = os.environ | {
        "JAX_PLATFORMS": "cpu",
        # XLA takes a lone space for the name of a file.
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip(),
        "PYTHONPATH": os.pathsep.join([folder, os.path.dirname(folder), *sys.path]),
    }
    command = [sys.executable, "-c", SCRIPT, address, str(process), str(out)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def finish(process, out):
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return dict(np.load(out))


def assert_equal(found, expected):
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-12, err_msg=name)


def test_three_devices_agree_with_one(expected, tmp_path):
    out = tmp_path / "three.npz"
    found = finish(start(out, "--xla_force_host_platform_device_count=3"), out)
    assert found["devices"] == 3
    assert_equal(found, expected)


@pytest.mark.slow
def test_two_processes_agree_with_one(expected, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    outs = [tmp_path / f"{process}.npz" for process in range(2)]
    started = [start(out, address=address, process=k) for k, out in enumerate(outs)]
    try:
        first, second = (finish(*pair) for pair in zip(started, outs, strict=True))
    finally:
        for process in started:
            process.kill()
            process.communicate()
    assert first["devices"] == second["devices"] == 2
    assert_equal(first, expected)
    for name in expected:
        np.testing.assert_array_equal(second[name], first[name])


@pytest.mark.parametrize("needed", [0, 1, 5, 6, 11])
def test_chunks_that_nobody_needs_are_left_out(needed):
    outcomes = jax.numpy.arange(1, 12)[:, None]
    done = for_samples(lambda part: part[:, 0], outcomes, 5, jax.numpy.array(needed))
    expected = np.where(np.arange(11) < 5 * -(-needed // 5), np.arange(1, 12), 0)
    np.testing.assert_array_equal(done, expected)


def test_several_arrays_are_worked_on_together():
    samples = {"a": jax.numpy.arange(11), "b": jax.numpy.arange(66).reshape(11, 3, 2)}

    def work(part):
        return part["a"] + part["b"].sum(axis=(1, 2)), part["b"]

    sums, same = for_samples(work, samples, 4)
    np.testing.assert_array_equal(sums, samples["a"] + samples["b"].sum(axis=(1, 2)))
    np.testing.assert_array_equal(same, samples["b"])


@pytest.mark.parametrize(("count", "chunk"), [(1, 5), (10, 5), (11, 5), (3, 100)])
def test_every_sample_is_worked_on_once_and_in_order(count, chunk):
    outcomes = jax.numpy.arange(2 * count).reshape(count, 2)
    doubled, sums = for_samples(lambda part: (2 * part, part.sum(axis=1)), outcomes, chunk)
    np.testing.assert_array_equal(doubled, 2 * outcomes)
    np.testing.assert_array_equal(sums, outcomes.sum(axis=1))


def test_on_a_processor_fewer_samples_of_more_memory_are_taken_at_a_time(monkeypatch):
    sizes = [1, 10**4, 10**5, 10**7]
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
    counts = [cached_chunk(256, size) for size in sizes]
    assert counts[0] == 256
    assert counts[-1] == 16
    assert counts == sorted(counts, reverse=True)
    assert counts[1] * sizes[1] <= 2**18 < (counts[1] + 1) * sizes[1]
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert [cached_chunk(256, size) for size in sizes] == [256] * 4
