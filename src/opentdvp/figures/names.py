"""Names of runs in figures: system and method."""

from opentdvp.config import Deck, Lattice, TdvpSolver, TensorNetworkSolver
from opentdvp.records.trajectory import Trajectory

METHODS = {
    "tdvp": "TDVP",
    "exact_reduced": "exact",
    "mcwf": "MCWF",
    "dephasing_kicks": "MCWF",
    "mps": "MPS",
    "mpo": "MPO",
}

#: Kinds of networks that have another name in figures.
NETWORKS = {"raster": "recurrent", "jastrow": "Jastrow"}


def words(key: str) -> str:
    """A key of files and configurations, which are in American spelling, as figures have it."""
    return key.replace("_", " ").replace("magnetization", "magnetisation")


def method(run: Trajectory) -> str:
    """The solver's name in legends, with the kind of its network."""
    solver = Deck.model_validate_json(run.deck).solver
    label = METHODS.get(solver.method, solver.method)
    if isinstance(solver, TdvpSolver):
        return f"{label} ({NETWORKS.get(solver.network.kind, solver.network.kind)})"
    return label


def name(run: Trajectory) -> str:
    """System and method in legends."""
    return f"{system(run)}, {method(run)}"


def system(run: Trajectory) -> str:
    """Geometry and size in legends, as in "ring N = 6"."""
    deck = Deck.model_validate_json(run.deck)
    if isinstance(deck.solver, TensorNetworkSolver) and deck.solver.chain == "infinite":
        return "infinite chain"
    return _lattice(deck.system.lattice)


def _lattice(lattice: Lattice) -> str:
    if lattice.kind == "graph":
        return f"graph of {lattice.n_sites} sites"
    if lattice.kind == "chain":
        return f"{'ring' if all(lattice.closed) else 'open chain'} $N = {lattice.n_sites}$"
    size = r" \times ".join(str(length) for length in lattice.size or ())
    return f"{_name(lattice)} ${size}$"


def _name(lattice: Lattice) -> str:
    if lattice.kind == "square" and all(lattice.closed):
        return "torus"
    border = "periodic" if all(lattice.closed) else "open" if not any(lattice.closed) else "mixed"
    if lattice.kind == "ladder":
        border = "periodic" if lattice.closed[0] else "open"
    return f"{border} {lattice.kind}"
