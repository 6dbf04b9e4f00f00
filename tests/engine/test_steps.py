"""Steps of a run: which samples their stages use, and that no random number is used twice."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from solvers import direct, quiet, tdvp
from systems import free_spins, heisenberg_ring

from opentdvp.config import Deck
from opentdvp.engine.build import build_engine
from opentdvp.engine.evolve import evolve, prepare, start
from opentdvp.engine.sampling.direct import DirectSampler
from opentdvp.engine.sampling.ensemble import Purpose
from opentdvp.engine.steps import steps


@pytest.mark.parametrize(("samples", "smooth"), [("fixed", True), ("redrawn", False)])
def test_fixed_samples_make_the_stages_of_a_step_smooth(setting, samples, smooth):
    """The error of a step falls as its third power, as long as its samples stay the same.

    Redrawn ones change one after the other, which is noise of the error in short steps.
    """
    system = heisenberg_ring(3, time={"stop": 1.0, "points": 2})
    sampling = direct(solve=32_000)
    solver = tdvp(width=3, samples=samples, sampling=sampling, eigenvalue_cutoff=1e-2)
    run = prepare(Deck(system=system, solver=solver))
    # Away from the start, where the hidden weights matter.
    theta = np.asarray(setting(system, solver, scale=0.2).theta)
    state = replace(start(run), arrays={"theta": theta})
    errors = []
    for size in (2e-3, 5e-4):
        advanced = next(iter(steps(run, replace(state, step_size=size))))
        assert float(advanced.diagnostics[0]["step_size"]) == size
        errors.append(float(advanced.diagnostics[0]["step_error"]))
    power = np.log(errors[0] / errors[1]) / np.log(4)
    assert power == pytest.approx(3, abs=0.2) if smooth else power < 2.3


def test_observables_at_different_times_are_independent():
    """A state that stays as it is, measured 40 times: scatter and standard error agree."""
    start = {"X": 0.4, "Y": -0.3, "Z": 0.5}
    system = free_spins(3, jumps=[], start=start, time={"stop": 4.0, "points": 41})
    solver = tdvp(sampling=direct(solve=64, held_out=64, observables=500), maximal_step=1.0)
    trajectory = evolve(Deck(system=system, solver=solver), quiet)
    for axis, expected in zip("XYZ", system.start.bloch, strict=True):
        found = trajectory.observables[axis]
        errors = (found.mean[1:] - expected) / found.stderr[1:]
        # χ² of 40 independent numbers is within these bounds with a probability of 0.999.
        assert 15 < np.sum(errors**2) < 75
        neighbours = np.mean(errors[1:] * errors[:-1])
        assert abs(neighbours) < 4 / np.sqrt(len(errors))


def is_key(array):
    return jax.dtypes.issubdtype(array.dtype, jax.dtypes.prng_key)


def test_every_key_of_a_run_is_used_once(monkeypatch):
    """By one right-hand side with its stages, one look at a step, or one measurement."""
    used = []

    def watched(function, name):
        def call(*arguments):
            (key,) = (a for a in arguments if isinstance(a, jax.Array) and is_key(a))
            used.append((name, tuple(np.asarray(jax.random.key_data(key)).tolist())))
            return function(*arguments)

        return call

    def watched_engine(*arguments):
        engine = build_engine(*arguments)
        names = ("draw", "monitor", "measure")
        return engine._replace(**{n: watched(getattr(engine, n), n) for n in names})

    monkeypatch.setattr("opentdvp.engine.evolve.build_engine", watched_engine)
    system = heisenberg_ring(3, time={"stop": 0.02, "points": 6})
    trajectory = evolve(Deck(system=system, solver=tdvp(maximal_step=5e-3)), quiet)
    steps = len(trajectory.diagnostics["time"])
    keys = {name: [key for n, key in used if n == name] for name in ("monitor", "measure")}
    assert len(keys["monitor"]) == steps > 3
    for values in keys.values():
        assert len(set(values)) == len(values)
    draws = {key for name, key in used if name == "draw"}
    assert len(draws) == steps + 1
    assert not draws & {*keys["monitor"], *keys["measure"]}
    assert not set(keys["monitor"]) & set(keys["measure"])


def test_a_step_is_watched_by_samples_of_its_own(monkeypatch, setting):
    """Those of the held-out residual and of the positivity, as many as each other, differ."""
    drawn = {}
    draw = DirectSampler.draw

    def recorded(self, purpose, *arguments):
        state, ensemble = draw(self, purpose, *arguments)
        jax.debug.callback(lambda o: drawn.setdefault(purpose, np.asarray(o)), ensemble.outcomes)
        return state, ensemble

    monkeypatch.setattr(DirectSampler, "draw", recorded)
    solver = tdvp(sampling=direct(solve=64, held_out=64, observables=64))
    engine = build_engine(heisenberg_ring(3), solver, jax.random.key(0))
    engine.monitor(engine.theta, np.zeros_like(engine.theta), {}, jax.random.key(1))
    jax.effects_barrier()
    assert drawn[Purpose.HELD_OUT].shape == drawn[Purpose.MONITOR].shape
    assert (drawn[Purpose.HELD_OUT] != drawn[Purpose.MONITOR]).any(axis=1).mean() > 0.5
