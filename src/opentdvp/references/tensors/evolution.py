"""Time-evolving block decimation of a chain of tensors, by TeNPy (Hauschild and Pollmann 2018).

TeNPy evolves with exp(−t H) in imaginary time; with H the negative generator that is exp(t G), real
where the generator is. Where G depends on the time, a splitting of second order takes it at the
midpoint of its step and keeps its order, and so does that of fourth order, which is five of those
one after the other, of different sizes (Suzuki 1991; Hatano and Suzuki 2005).
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from tenpy.algorithms.tebd import TEBDEngine
from tenpy.linalg import np_conserved as npc
from tenpy.models.lattice import TrivialLattice
from tenpy.models.model import NearestNeighborModel
from tenpy.networks.mps import MPS
from tenpy.networks.site import Site

from opentdvp.references.tensors.space import Chain
from opentdvp.references.time_steps import Steps

# Parts of a time step that are splittings of second order each, by the order of all together.
_FOURTH = 1 / (4 - 4 ** (1 / 3))
_SHARES = {
    2: np.ones(1),
    4: np.array([_FOURTH, _FOURTH, 1 - 4 * _FOURTH, _FOURTH, _FOURTH]),
}

_PARITY = npc.ChargeInfo([2], ["reflection"])


class Accuracy(NamedTuple):
    """What limits a run of block decimation."""

    bond_dimension: int
    singular_value_cutoff: float
    order: int


class Tensors(NamedTuple):
    """A chain of tensors in right-canonical form.

    Attributes
    ----------
    tensors
        Of shape (left bond, states, right bond).
    values
        Schmidt values of the bond at the left of each tensor.
    parities
        Parity of the states of the bond at the left of each tensor, and at the right of the last.
    norm
        Factor of the whole, per cell in an infinite chain.
    """

    tensors: tuple[np.ndarray, ...]
    values: tuple[np.ndarray, ...]
    parities: tuple[np.ndarray, ...]
    norm: float

    def arrays(self) -> dict[str, np.ndarray]:
        """As named arrays, for a checkpoint."""
        lists = {"tensor": self.tensors, "values": self.values, "parity": self.parities}
        named = {f"{name}/{k}": a for name, entries in lists.items() for k, a in enumerate(entries)}
        return named | {"norm": np.array(self.norm)}


def tensors_from(arrays: Mapping[str, np.ndarray]) -> Tensors:
    """Tensors from what `Tensors.arrays` returned."""
    count = sum(name.startswith("tensor/") for name in arrays)
    return Tensors(
        tuple(arrays[f"tensor/{k}"] for k in range(count)),
        tuple(arrays[f"values/{k}"] for k in range(count)),
        tuple(arrays[f"parity/{k}"] for k in range(count + 1)),
        float(arrays["norm"]),
    )


def product_tensors(chain: Chain) -> Tensors:
    """The state at time 0, normalised as a vector, with its norm beside it."""
    lengths = [float(np.linalg.norm(start)) for start in chain.starts]
    bond = np.zeros(1, dtype=int)
    return Tensors(
        tuple((s / n)[None, :, None] for s, n in zip(chain.starts, lengths, strict=True)),
        (np.ones(1),) * len(chain.starts),
        (bond,) * (len(chain.starts) + 1),
        float(np.prod(lengths)),
    )


def evolve(
    chain: Chain, tensors: Tensors, accuracy: Accuracy, stretches: Iterable[tuple[Steps, ...]]
) -> Iterator[tuple[Tensors, float]]:
    """Tensors after each stretch of time steps, with the weight discarded in it."""
    lattice = TrivialLattice(
        [Site(_leg(parity)) for parity in chain.parities],
        bc_MPS="infinite" if chain.layout.infinite else "finite",
        bc="periodic" if chain.layout.infinite else "open",
    )
    psi = _to_tenpy(tensors, lattice)
    truncation = {
        "chi_max": accuracy.bond_dimension,
        "svd_min": accuracy.singular_value_cutoff or None,
    }
    # Any step is allowed, for its error is measured.
    options = {"trunc_params": truncation, "max_delta_t": None}
    engine = TEBDEngine(psi, _model(chain, lattice, chain.factors(0.0)), options)
    take = partial(_driven_steps, chain) if chain.drives else _equal_steps
    for stretch in stretches:
        with warnings.catch_warnings():
            # An unused option at every first step; norms that are not one are meant.
            warnings.simplefilter("ignore")
            discarded = sum(take(engine, accuracy.order, steps) for steps in stretch)
        yield _from_tenpy(psi), discarded


def _equal_steps(engine: TEBDEngine, order: int, steps: Steps) -> float:
    """Take time steps, and return the weight that they discard."""
    # Of the same size as before, they are known.
    engine.calc_U(order, steps.size, type_evo="imag")
    return float(engine.evolve(steps.number, steps.size).eps)


def _driven_steps(chain: Chain, engine: TEBDEngine, order: int, steps: Steps) -> float:
    """The same where the generators depend on the time."""
    shares = _SHARES[order]
    middles = np.cumsum(shares) - shares / 2
    known, discarded = None, 0.0
    for start in steps.starts:
        for share, middle in zip(shares, middles, strict=True):
            size, factors = float(share * steps.size), chain.factors(start + middle * steps.size)
            if known != factors:
                engine.model = _model(chain, engine.model.lat, factors)
                engine.force_prepare_evolve = True
            known = factors
            discarded += _equal_steps(engine, 2, Steps(start, size, 1))
    return discarded


def _model(
    chain: Chain, lattice: TrivialLattice, factors: tuple[float, ...]
) -> NearestNeighborModel:
    terms: list[npc.Array | None] = []
    for right, generator in enumerate(chain.generators(factors)):
        if generator is None:
            terms.append(None)
            continue
        legs = [_leg(chain.parities[right - 1]), _leg(chain.parities[right])]
        shape = tuple(leg.ind_len for leg in legs) * 2
        # What breaks the reflection is rounding: the layout has found the symmetry exact.
        terms.append(
            npc.Array.from_ndarray(
                -generator.reshape(shape),
                [*legs, *(leg.conj() for leg in legs)],
                # Where nothing happens, there is no element to find it from.
                qtotal=[0],
                labels=["p0", "p1", "p0*", "p1*"],
                cutoff=1e-12,
            )
        )
    return NearestNeighborModel(lattice, terms)


def _to_tenpy(tensors: Tensors, lattice: TrivialLattice) -> MPS:
    sites = lattice.mps_sites()
    arrays = [
        npc.Array.from_ndarray(
            tensor,
            [_leg(left), site.leg, _leg(right).conj()],
            labels=["vL", "p", "vR"],
        )
        for tensor, site, left, right in zip(
            tensors.tensors, sites, tensors.parities[:-1], tensors.parities[1:], strict=True
        )
    ]
    last = tensors.values[0] if lattice.bc_MPS == "infinite" else np.ones(1)
    return MPS(
        sites,
        arrays,
        [*tensors.values, last],
        bc=lattice.bc_MPS,
        form="B",
        norm=tensors.norm,
        unit_cell_width=len(sites),
    )


def _from_tenpy(psi: MPS) -> Tensors:
    blocks = [psi.get_B(k, "B").transpose(["vL", "p", "vR"]) for k in range(psi.L)]
    ends = [*(block.get_leg("vL") for block in blocks), blocks[-1].get_leg("vR").conj()]
    return Tensors(
        tuple(block.to_ndarray() for block in blocks),
        tuple(np.asarray(psi.get_SL(k)) for k in range(psi.L)),
        tuple(leg.to_qflat()[:, 0] for leg in ends),
        float(psi.norm),
    )


def _leg(parity: np.ndarray) -> npc.LegCharge:
    return npc.LegCharge.from_qflat(_PARITY, parity[:, None]).bunch()[1]
