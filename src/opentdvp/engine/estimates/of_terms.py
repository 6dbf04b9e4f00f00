"""Local estimates of a sum of tabulated local terms: only tables around a change are read.

With Δ_i(x) the change of log P when the outcome of site i is shifted by x, bitwise, the change by a
shift on both sites of a pair is Δ_i(x) + Δ_j(y) and a rest from the windows that contain both.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from opentdvp.engine.ansatz.jastrow.ansatz import JastrowAnsatz, Located, Tables
from opentdvp.engine.ansatz.jastrow.windows import Windows
from opentdvp.engine.devices import for_samples
from opentdvp.engine.estimates.estimator import Estimate
from opentdvp.engine.povm.generator import Generator
from opentdvp.engine.povm.tetrahedron import OUTCOMES


@dataclass(frozen=True, eq=False)
class TermEstimator:
    """E(a) of a Jastrow ansatz; exact."""

    ansatz: JastrowAnsatz
    generator: Generator
    chunk: int

    def __call__(
        self,
        parameters: Tables,
        outcomes: Int[Array, "rows sites"],
        needed: Int[Array, ""] | None = None,
    ) -> Estimate:
        """As for every estimator; nothing is left out, so there are no diagnostics."""

        def of_chunk(chunk: Array) -> Array:
            return self._of_batch(parameters, chunk.T).astype(jnp.float64)

        return Estimate(for_samples(of_chunk, outcomes, self.chunk, needed), {})

    def _of_batch(self, parameters: Tables, outcomes: Int[Array, "sites batch"]) -> Array:
        located = self.ansatz.locate(parameters, outcomes)
        families = list(zip((f.windows for f in self.ansatz.families), located, strict=True))
        on_site = jnp.sum(jnp.stack([_single_changes(*family) for family in families]), axis=0)
        shifts, pairs = self.generator.shifts, self.generator.pairs
        here = tuple(outcomes[pairs[:, k]] for k in range(2))
        of_pair = np.arange(len(pairs))[:, None]
        diagonal = jnp.array(self.generator.diagonal, on_site.dtype)
        total = jnp.sum(diagonal[of_pair, *here], axis=0)
        rates = jnp.array(self.generator.rates, on_site.dtype)
        joint = [
            sum(parts)
            for parts in zip(*(_joint_changes(*f, pairs, shifts) for f in families), strict=True)
        ]
        for k, (x, y) in enumerate(shifts.tolist()):
            change = on_site[x, pairs[:, 0]] + on_site[y, pairs[:, 1]] + joint[k]
            total += jnp.sum(rates[of_pair, k, *here] * jnp.exp(change), axis=0)
        return total


def _single_changes(windows: Windows, located: Located) -> Float[Array, "4 sites batch"]:
    """Δ_i(x) for every site i and every shift x, which is 0 for x = 0."""
    numbers, table = located
    around, places = windows.around
    read = numbers[around]  # (sites, most, batch)
    before = table[read]
    changes = [
        jnp.sum(table[read ^ (x << (2 * places[..., None]))] - before, axis=1)
        for x in range(1, OUTCOMES)
    ]
    return jnp.stack([jnp.zeros_like(changes[0]), *changes])


def _joint_changes(
    windows: Windows, located: Located, pairs: np.ndarray, shifts: np.ndarray
) -> list[Float[Array, "pairs batch"]]:
    """What each shift of a pair changes on both sites together, and not on each for itself."""
    numbers, table = located
    both, first, second = windows.joint(map(tuple, pairs.tolist()))
    here = numbers[both]  # (pairs, most, batch)
    flips = [(x << (2 * first[..., None])) | (y << (2 * second[..., None])) for x, y in shifts]
    on_first = [table[here ^ (x << (2 * first[..., None]))] for x in range(OUTCOMES)]
    on_second = [table[here ^ (y << (2 * second[..., None]))] for y in range(OUTCOMES)]
    return [
        jnp.sum(table[here ^ flip] - on_first[x] - on_second[y] + on_first[0], axis=1)
        if x and y
        else jnp.zeros((len(pairs), here.shape[-1]), table.dtype)
        for flip, (x, y) in zip(flips, shifts.tolist(), strict=True)
    ]
