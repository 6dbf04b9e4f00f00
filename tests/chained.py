"""Chains of a small Jastrow factor that may be made slow, with all that it can be compared with."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from solvers import jastrow
from systems import heisenberg_ring

from opentdvp.engine.assembly import assemble
from opentdvp.engine.sampling.ensemble import Purpose

SYSTEMS = {"no half turn": heisenberg_ring(4), "half turn": heisenberg_ring(4, start={"Z": 1})}


def sampled(system, sampling):
    """Parts of the engine of a Jastrow factor of neighbours."""
    return assemble(system, jastrow(2, 2, 2, sampling=sampling), jax.random.key(0))


def outcomes_of(parts):
    sites = parts.model.n_sites
    return jnp.array(np.indices((4,) * sites).reshape(sites, -1).T, dtype=jnp.int32)


def ising(parts, letter, strength):
    """θ of log P = log P⁰ + strength · Σ_i σ_i σ_(i+1), σ = ±1 the letters of outcomes."""
    problem, outcomes = parts.problem, outcomes_of(parts)
    letters = np.sqrt(3) * parts.povm.directions[np.asarray(outcomes), "XYZ".index(letter)]
    wanted = (letters * np.roll(letters, -1, axis=1)).sum(axis=1)
    strings = np.asarray(problem.ansatz.log_derivatives(problem.parameters(parts.theta), outcomes))
    (number,) = np.flatnonzero(np.abs(strings - wanted[:, None]).max(axis=0) < 1e-9)
    return parts.theta.at[number].set(strength)


def probabilities(parts, theta):
    ansatz = parts.problem.ansatz
    log_weights = ansatz.log_probability(ansatz.unravel(theta), outcomes_of(parts))
    return np.asarray(jax.nn.softmax(log_weights))


def samples_of(weights, parts, count, seed):
    chosen = np.random.default_rng(seed).choice(len(weights), count, p=weights / weights.sum())
    return {"chains": outcomes_of(parts)[chosen].astype(jnp.uint8)}


def drawing(parts, theta):
    """Draws for the solve, by state and seed; compiled once."""
    sampler = parts.problem.sampler
    compiled = jax.jit(partial(sampler.draw, Purpose.SOLVE))
    return lambda state, seed=1: compiled(theta, state, jax.random.key(seed))
