"""Synthetic trajectories: known curves with the decks of real runs."""

from typing import Any

import numpy as np

from opentdvp.config import Deck
from opentdvp.trajectory import Observable, Trajectory

HEISENBERG: dict[str, Any] = {
    "lattice": {"kind": "chain", "size": [6], "periodic": True},
    "couplings": {"XX": 2.0, "YY": 0.0, "ZZ": 1.0},
    "fields": {"Z": 1.0},
    "jumps": [{"operator": "sigma_minus", "rate": 1.0}],
    "start": {"Y": -1.0},
    "time": {"stop": 3.0, "points": 61},
    "observables": {"correlators": {"XX": [1, 2], "YY": [1, 2], "ZZ": [1, 2]}},
}

EXACT = {"method": "exact", "relative_tolerance": 1e-8, "absolute_tolerance": 1e-10}

TDVP: dict[str, Any] = {
    "method": "tdvp",
    "seed": 1,
    "povm": "cubic",
    "network": {
        "kind": "recurrent", "width": 8, "depth": 2, "activation": "tanh", "recurrent_scale": 1.0,
    },
    "orbit": "all",
    "sampling": {"kind": "direct", "solve": 4096, "held_out": 1024, "observables": 20000},
    "regularization": {"eigenvalue_cutoff": 1e-8, "signal_to_noise_cutoff": 2.0},
    "integrator": {
        "method": "heun", "fisher_tolerance": 1e-2, "initial_step": 1e-3, "minimal_step": 1e-6,
        "maximal_step": 0.1,
    },
    "drift_limit": 0.1,
    "chunk": 1024,
    "estimator_precision": "double",
}  # fmt: skip


def make(
    observables: dict[str, Observable],
    times: np.ndarray,
    system: dict[str, Any] = HEISENBERG,
    solver: dict[str, Any] = EXACT,
    revision: str = "a" * 40,
    **fields: Any,
) -> Trajectory:
    """A trajectory of given curves, with the deck of `system` and `solver`."""
    deck = Deck.model_validate({"system": system, "solver": solver}).canonical()
    return Trajectory(times, observables, deck, {"revision": revision}, **fields)


def damped(
    points: int = 61, error: float = 0.0, seed: int | None = None, **settings: Any
) -> Trajectory:
    """Damped oscillations that look like Heisenberg dynamics, with noise of size `error`."""
    t = np.linspace(0, 3, points)
    decay = np.exp(-2 * t)
    means = {
        "X": 0.9 * np.sin(2.5 * t) * decay,
        "Y": -np.cos(2.5 * t) * decay,
        "Z": -0.28 * (1 - decay * np.cos(4 * t)),
        "C_XX": _columns(-0.25 * t * np.exp(-1.4 * t) * (1 + 0.3 * np.sin(6 * t))),
        "C_YY": _columns(0.16 * t * np.exp(-1.2 * t)),
        "C_ZZ": _columns(0.2 * np.sin(6 * t) * t * np.exp(-3 * t)),
    }
    rng = np.random.default_rng(seed)
    observables = {
        name: Observable(
            mean + (error * rng.standard_normal(mean.shape) if seed is not None else 0),
            np.full_like(mean, error),
            (1, 2) if mean.ndim == 2 else (),
        )
        for name, mean in means.items()
    }
    return make(observables, t, **settings)


def _columns(curve: np.ndarray) -> np.ndarray:
    """The curve at distances 1 and 2, where it is half as large."""
    return np.stack([2 * curve, curve], axis=1)
