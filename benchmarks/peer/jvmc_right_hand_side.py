"""Time one TDVP right-hand side of jVMC and print the result as one JSON object.

Runs in the environment of `requirements.lock` beside it, not in opentdvp's.
"""

import argparse
import json
import math
import os
import resource
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

# One thread, on the CPU; read when JAX is imported. XLA takes the size of its thread pool from
# NPROC: in jaxlib 0.7.2 the flags alone leave it at one thread per core.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["NPROC"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import jax
import jVMC
import numpy as np
from jVMC.util.symmetries import LatticeSymmetry, get_orbit_1D, get_orbit_2D_square

# Names that jVMC gives the stages of a right-hand side, and ours; the total is timed here.
STAGES = {
    "total": "total",
    "sampling": "sampling",
    "compute Eloc": "local_estimates",
    "compute gradients": "gradients",
    "solve TDVP eqn.": "solve",
}
OUTCOMES = 4


@dataclass(frozen=True)
class System:
    """A periodic lattice in Pauli matrices, under jVMC's names of operators and dissipators."""

    dimensions: int
    couplings: dict[str, float]
    fields: dict[str, float]
    dissipator: str
    rate: float


SYSTEMS = {
    # In jVMC "decaydown" is sigma minus, up to down; strengths of dissipators are rates.
    "heisenberg_ring": System(1, {"XX": 2.0, "ZZ": 1.0}, {"Z": 1.0}, "decaydown", 1.0),
    "heisenberg_torus": System(2, {"XX": 0.9, "YY": 1.8, "ZZ": 1.0}, {}, "decaydown", 1.0),
    "confinement_ring": System(1, {"ZZ": 1.0}, {"X": 0.25, "Z": 0.05}, "dephasing", 0.25),
}


class StageClock:
    """Seconds of each stage; has the methods that jVMC calls on its output manager."""

    def __init__(self) -> None:
        self.cpu: defaultdict[str, list[float]] = defaultdict(list)
        self.wall: defaultdict[str, list[float]] = defaultdict(list)
        self._started: dict[str, tuple[float, float]] = {}

    def forget(self) -> None:
        """Start anew, after the first call."""
        self.cpu.clear()
        self.wall.clear()

    def start_timing(self, name: str) -> None:
        """Note when a stage starts."""
        self._started[name] = (time.process_time(), time.perf_counter())

    def stop_timing(self, name: str) -> None:
        """Add the seconds since the stage's start."""
        cpu, wall = self._started[name]
        self.cpu[name].append(time.process_time() - cpu)
        self.wall[name].append(time.perf_counter() - wall)

    def add_timing(self, name: str, elapsed: float) -> None:
        """Leave out the communication, which is part of the solve."""


def lattice(text: str) -> tuple[int, ...]:
    """Shape of the lattice from `10` or `4x4`.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is neither a ring nor a square torus of at least three sites a side.
    """
    try:
        shape = tuple(int(side) for side in text.split("x"))
    except ValueError:
        shape = ()
    # With two sites a side, both bonds between a pair would be the same one.
    if len(shape) not in (1, 2) or len(set(shape)) != 1 or shape[0] < 3:
        raise argparse.ArgumentTypeError(f"{text}: give N or LxL, from 3 sites a side")
    return shape


def positive(text: str) -> int:
    """Whole number above zero.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.
    """
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text}: give a whole number above zero")
    return int(text)


def default_batch(asked: argparse.Namespace) -> int:
    """Return a batch that suits jVMC: about 1000 evaluations of the bare network.

    jVMC's own default is 1000 configurations, each times the orbit. That is slower, most of all
    for few samples: it pads them to a full batch, so 24 gradients cost as much as 1000.
    """
    orbit = math.prod(asked.size) if asked.orbit == "all" else 1
    return max(1, min(asked.samples, 1000 // orbit))


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--system", choices=SYSTEMS, required=True)
    parser.add_argument("--size", type=lattice, required=True, help="10, or 4x4 for a torus")
    parser.add_argument("--orbit", choices=("all", "none"), default="all", help="translations")
    parser.add_argument("--samples", type=positive, default=1000)
    parser.add_argument("--width", type=positive, default=12)
    parser.add_argument("--depth", type=positive, default=2)
    parser.add_argument("--repeats", type=positive, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=positive, help="configurations that jVMC evaluates at once")
    parsed = parser.parse_args()
    if len(parsed.size) != SYSTEMS[parsed.system].dimensions:
        parser.error(f"--size does not fit --system {parsed.system}")
    parsed.batch = parsed.batch or default_batch(parsed)
    return parsed


def bonds(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Pairs of nearest neighbours on the periodic lattice, each once."""
    sites = np.arange(math.prod(shape)).reshape(shape)
    neighbours = [np.roll(sites, -1, axis) for axis in range(len(shape))]
    return [pair for ends in neighbours for pair in zip(sites.flat, ends.flat, strict=True)]


def lindbladian(system: System, shape: tuple[int, ...]) -> jVMC.operator.POVMOperator:
    """The generator of the dynamics of POVM probabilities."""
    povm = jVMC.operator.POVM({"dim": f"{len(shape)}D", "L": shape[0]})
    operator = jVMC.operator.POVMOperator(povm, ldim=OUTCOMES)
    for first, second in bonds(shape):
        for name, strength in system.couplings.items():
            sites = (int(first), int(second))
            operator.add({"name": name, "strength": strength, "sites": sites})
    one_site = {**system.fields, system.dissipator: system.rate}
    for site in range(math.prod(shape)):
        for name, strength in one_site.items():
            operator.add({"name": name, "strength": strength, "sites": (site,)})
    return operator


def translations(shape: tuple[int, ...]) -> LatticeSymmetry:
    """All translations of the lattice."""
    orbit = get_orbit_1D if len(shape) == 1 else get_orbit_2D_square
    return orbit(shape[0], "translation")


def network(asked: argparse.Namespace) -> jVMC.vqs.NQS:
    """jVMC's vanilla recurrent network with its own activation and random start."""
    kind = jVMC.nets.RNN1DGeneral if len(asked.size) == 1 else jVMC.nets.RNN2DGeneral
    bare = kind(
        L=asked.size[0],
        hiddenSize=asked.width,
        depth=asked.depth,
        inputDim=OUTCOMES,
        logProbFactor=1.0,
        realValuedOutput=True,
    )
    orbit = translations(asked.size) if asked.orbit == "all" else None
    # Adds up the orbit's probabilities. jVMC's `init_net` would take the average meant for
    # amplitudes, which adds up squares.
    average = jVMC.nets.sym_wrapper.avgFun_Coefficients_Exp
    return jVMC.vqs.NQS(bare, batchSize=asked.batch, seed=asked.seed, orbit=orbit, avgFun=average)


def right_hand_side(asked: argparse.Namespace, clock: StageClock) -> Callable[[], np.ndarray]:
    """Function that evaluates the right-hand side, with the same samples every time.

    The number of connected configurations that jVMC keeps depends on the samples, and it compiles
    anew for each number; other samples would put compilation into the measured time.
    """
    psi = network(asked)
    key = jax.random.PRNGKey(asked.seed)
    sampler = jVMC.sampler.MCSampler(
        psi, asked.size, key, numSamples=asked.samples, mu=1, logProbFactor=1.0
    )
    # `pinvCutoff` is what jVMC's POVM examples call `svdTol`.
    tdvp = jVMC.util.tdvp.TDVP(sampler, pinvCutoff=1e-6, rhsPrefactor=-1.0, makeReal="real")
    generator = lindbladian(SYSTEMS[asked.system], asked.size)
    parameters = psi.get_parameters()

    def evaluate() -> np.ndarray:
        sampler.set_random_key(key)
        return np.asarray(tdvp(parameters, 0.0, psi=psi, hamiltonian=generator, outp=clock))

    return evaluate


def count_compilations() -> list[str]:
    """Return a list that grows by one entry with each compilation from now on."""
    compilations: list[str] = []

    def listen(event: str, _seconds: float, **_: object) -> None:
        if event.endswith("backend_compile_duration"):
            compilations.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    return compilations


def medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    """Median of each stage's seconds and of the total, under our names."""
    return {ours: statistics.median(seconds[theirs]) for theirs, ours in STAGES.items()}


def measure(asked: argparse.Namespace) -> dict[str, object]:
    """Time the right-hand side after a first call that compiles.

    Raises
    ------
    SystemExit
        If the right-hand side is not finite.
    """
    clock = StageClock()
    evaluate = right_hand_side(asked, clock)
    first_call = time.perf_counter()
    evaluate()
    first_call = time.perf_counter() - first_call
    clock.forget()
    compilations = count_compilations()
    for _ in range(asked.repeats):
        clock.start_timing("total")
        update = evaluate()
        clock.stop_timing("total")
    if not np.all(np.isfinite(update)):
        raise SystemExit("jVMC returned a right-hand side that is not finite")
    return {
        "network_parameters": update.size,
        "cpu_seconds": medians(clock.cpu),
        "wall_seconds": medians(clock.wall),
        "first_call_wall_seconds": first_call,
        # Above zero, the medians may hold compilation.
        "compilations_in_repeats": len(compilations),
    }


def main() -> None:
    """Measure what the command line asks for and print the record."""
    asked = arguments()
    # JAX may return from a call before it has computed; each stage is to pay for its own work.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    measured = measure(asked)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    record = {
        "versions": {name: version(name) for name in ("jVMC", "jax", "jaxlib")},
        "settings": vars(asked) | {"size": "x".join(map(str, asked.size))},
        **measured,
        # Linux counts in KiB, macOS in bytes.
        "peak_memory_bytes": peak * (1 if sys.platform == "darwin" else 1024),
    }
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
