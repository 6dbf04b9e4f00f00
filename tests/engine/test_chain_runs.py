"""Whole runs with Markov chains: resumed, ordinary ones, and such whose chains do not keep up."""

import jax
import numpy as np
import pytest
from solvers import chains, jastrow
from systems import confinement_ring, heisenberg_ring

from opentdvp.config import Deck
from opentdvp.engine.ansatz.jastrow.ansatz import JastrowAnsatz
from opentdvp.engine.evolve import evolve
from opentdvp.records.checkpoint import load, save
from opentdvp.records.result_code import ResultCode

#: Of chains that are followed, how far they have forgotten, and how well that is known.
DIAGNOSTICS = {
    "acceptance",
    "correlation_left",
    "autocorrelation_magnetization",
    "autocorrelation_log_probability",
    "effective_samples",
    "nested_r_hat",
    "lag",
    "lag_error",
}


FEW = chains(solve=400, held_out=100, observables=1500, sweeps=2)


def deck_of(stop=0.1, sampling=FEW, system=heisenberg_ring, **settings):
    time = {"stop": stop, "points": 6}
    solver = jastrow(3, 3, 3, sampling=sampling, eigenvalue_cutoff=1e-4, **settings)
    return Deck(system=system(4, time=time), solver=solver)


@pytest.mark.parametrize(("samples", "done"), [("fixed", 1), ("fixed", 4), ("redrawn", 2)])
def test_resumed_equals_uninterrupted(tmp_path, samples, done):
    """Bit for bit, through the file of a checkpoint after some steps."""
    deck, kept = deck_of(samples=samples, maximal_step=0.02), []
    whole = evolve(deck, keep=kept.append)
    assert whole.result is ResultCode.SUCCESS
    assert len(kept) > 4
    save(kept[done - 1], "a" * 64, tmp_path / "run.npz")
    state = load("a" * 64, tmp_path / "run.npz")
    assert state.arrays["chains"].dtype == np.uint8
    resumed = evolve(deck, resume_from=state)
    for name, curve in whole.curves().items():
        np.testing.assert_array_equal(resumed.curves()[name], curve)
    for name, values in whole.diagnostics.items():
        np.testing.assert_array_equal(resumed.diagnostics[name], values)


def test_a_run_tells_of_its_chains():
    diagnostics = evolve(deck_of()).diagnostics
    assert set(diagnostics) >= DIAGNOSTICS
    assert all(np.isfinite(diagnostics[name]).all() for name in DIAGNOSTICS)
    assert (diagnostics["effective_samples"] <= 400).all()
    assert (diagnostics["nested_r_hat"] > 1).all()
    # Of the product state, where each site is drawn anew, nothing is remembered but by chance.
    assert diagnostics["correlation_left"][0] < 4 / np.sqrt(500)


@pytest.mark.parametrize("system", [heisenberg_ring, confinement_ring])
def test_runs_with_a_single_sweep_follow_those_without_samples(system):
    """Ordinary ones keep up; what samples they have decides how well."""
    settings = {"samples": "fixed", "method": "bogacki_shampine", "chunk": 512}
    sampled, exact = (
        evolve(deck_of(0.5, sampling, system, **settings))
        for sampling in (chains(solve=4000, held_out=1000, observables=20_000, sweeps=1), None)
    )
    assert sampled.result is exact.result is ResultCode.SUCCESS
    assert sampled.diagnostics["nested_r_hat"].max() < 1.05
    for name, (mean, _) in sampled.curves().items():
        # Standard errors are 0.005 to 0.015, without those of θ.
        np.testing.assert_allclose(mean, exact.curves()[name][0], atol=0.04)


def lazy(share):
    """Sweeps that leave a chain where it is, but for this share of them."""
    sweep = JastrowAnsatz.sweep

    def sometimes(self, parameters, outcomes, key):
        moved, changed = sweep(self, parameters, outcomes, key)
        moves = jax.random.uniform(jax.random.fold_in(key, 0), outcomes.shape[1:]) < share
        return jax.numpy.where(moves, moved, outcomes), share * changed

    return sometimes


@pytest.mark.parametrize(
    ("share", "sweeps", "result"),
    [
        (0.3, 1, ResultCode.NOT_EQUILIBRATED),
        (0.3, 12, ResultCode.SUCCESS),
        (0.0, 12, ResultCode.NOT_EQUILIBRATED),
    ],
)
def test_a_run_whose_chains_do_not_keep_up_stops(monkeypatch, share, sweeps, result):
    monkeypatch.setattr(JastrowAnsatz, "sweep", lazy(share))
    trajectory = evolve(deck_of(sampling=FEW | {"sweeps": sweeps}, samples="fixed"))
    assert trajectory.result is result
    assert (trajectory.times[-1] == 0.1) == (result is ResultCode.SUCCESS)
    assert ("sweeps" in trajectory.remedy) == (result is ResultCode.NOT_EQUILIBRATED)
