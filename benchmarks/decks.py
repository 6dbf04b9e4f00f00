"""Decks of the benchmarks: the paper's models in any size, and states evolved on small ones.

opentdvp is imported only in the functions, because the number of threads has to be set before.
"""

import math
from concurrent.futures import ProcessPoolExecutor
from enum import StrEnum
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

#: Systems of config/accuracy.yaml that have the models; until when a state evolves on them,
#: and with how many samples.
SMALL = {
    "heisenberg_ring": ("heisenberg_ring_10", 0.5, 8192),
    "heisenberg_torus": ("heisenberg_torus_3x3_b", 0.5, 512),
    "confinement_ring": ("confinement_ring_8", 4.0, 8192),
}


#: States of networks wider than this are evolved with fewer samples, in minutes instead of an hour.
WIDE, WIDE_SAMPLES = 24, 1024


class SystemName(StrEnum):
    """Models of the paper."""

    heisenberg_ring = "heisenberg_ring"
    heisenberg_torus = "heisenberg_torus"
    confinement_ring = "confinement_ring"


#: Of all networks that are timed.
NETWORK = {"activation": "tanh", "output": "shared", "recurrent_scale": 0.5}


#: Settings of all solvers, which matter only to the evolution of states.
COMMON = {
    "method": "tdvp",
    "seed": 1,
    "povm": "cubic",
    "integrator": {
        "method": "bogacki_shampine",
        "samples": "redrawn",
        "fisher_tolerance": 4e-3,
        "initial_step": 1e-3,
        "minimal_step": 1e-6,
        "maximal_step": 0.1,
    },
    "drift_limit": 1.0,
}


def sized(system: str, shape: tuple[int, ...] | None, stop: float) -> Any:
    """A system of the accuracy configuration, on another lattice, without observables."""
    from opentdvp.config import System, load

    name, *_ = SMALL[system]
    keys = load(ROOT / "config" / "accuracy.yaml").systems[name].model_dump()
    if shape is not None:
        keys["lattice"]["size"] = shape
    keys |= {"time": {"stop": stop, "points": 2}, "observables": {}}
    return System.model_validate(keys)


def solver_keys(network: dict[str, Any], settings: dict[str, Any], kind: str) -> dict[str, Any]:
    """TDVP settings, in the words of a configuration."""
    samples = {"solve": settings["samples"], "held_out": 64, "observables": 64}
    return COMMON | {
        "network": {"kind": kind, **NETWORK, **network},
        "orbit": settings["orbit"],
        "sampling": {"kind": "direct", "sequence": settings["sequence"], **samples},
        "regularization": {
            "method": "eigenvalues",
            "eigenvalue_cutoff": 1e-6,
            "signal_to_noise_cutoff": 0,
        },
        "precision": settings["precision"],
        "forgetting_bound": settings["bound"],
        "chunk": settings["chunk"],
    }


def build(
    system: str,
    shape: tuple[int, ...] | None,
    network: dict[str, Any],
    settings: dict[str, Any],
    stop: float = 1.0,
) -> Any:
    """The deck of a case; without a shape, on the small lattice."""
    from opentdvp.config import Deck, TdvpSolver

    model = sized(system, shape, stop)
    shape = model.lattice.size
    translations, points = math.prod(shape), 2 if len(shape) == 1 else 8
    orders = {"none": 1, "all": translations, "space_group": translations * points}
    order = orders.get(settings["orbit"]) or translations // settings["orbit"]
    chunk = max(1, min(settings["samples"], settings["images"] // order))
    kind = "recurrent" if len(shape) == 1 else "raster"
    keys = solver_keys(network, {**settings, "chunk": chunk}, kind)
    return Deck(system=model, solver=TdvpSolver.model_validate(keys))


def evolved_state(system: str, network: dict[str, Any], folder: Path) -> Any:
    """Parameters after a short run of a small system, from a file if it was done before."""
    import numpy as np

    # Enough samples that the network does not fit their noise: what it remembers decides the cost.
    # Wide networks are timed on small systems only, where there is no room to forget.
    _, stop, samples = SMALL[system]
    samples = samples if network["width"] <= WIDE else WIDE_SAMPLES
    settings = {"orbit": "all", "samples": samples, "sequence": "sobol", "bound": 1e-4}
    settings |= {"precision": "single", "images": 500}
    deck = build(system, None, network, settings, stop)
    path = folder / f"state-{deck.run_id[:16]}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # In a process of its own, so that its memory is not taken for that of the right-hand side.
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            np.save(path, pool.submit(evolve, deck).result())
    return np.load(path)


def evolve(deck: Any) -> Any:
    """Parameters at the end of a run."""
    from opentdvp.engine.evolve import prepare, start
    from opentdvp.engine.steps import steps

    run = prepare(deck)
    *_, last = steps(run, start(run))
    return last.arrays["theta"]
