"""Sums of terms, most of them tabulated: what changes of them, and a sweep that follows it.

With Δ_i(x) the change of log P when the outcome of site i is shifted by x, bitwise, the change by a
shift on both sites of a pair is Δ_i(x) + Δ_j(y) and a rest from the windows that contain both; on
three sites likewise, with a rest from those that contain at least two.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from opentdvp.engine.ansatz.jastrow.windows import Windows
from opentdvp.engine.povm.tetrahedron import OUTCOMES


@runtime_checkable
class Term(Protocol):
    """A part of log P at some outcomes, which knows what changed outcomes change of it."""

    @property
    def state(self) -> Any:
        """What of it depends on the outcomes; a sweep goes on from it."""
        ...

    def total(self) -> Float[Array, " batch"]:
        """Of log P."""
        ...

    def of_choices(
        self, state: Any, site: Array, old: Array
    ) -> tuple[Float[Array, "4 batch"], Any]:
        """log P for each outcome of a site, but for what all have in common; what `put` needs."""
        ...

    def put(self, state: Any, site: Array, new: Array, around: Any) -> Any:
        """The state with other outcomes of a site."""
        ...

    def single_changes(self) -> Float[Array, "4 sites batch"]:
        """Δ_i(x) for every site i and every shift x, which is 0 for x = 0."""
        ...

    def joint_changes(
        self, groups: Int[np.ndarray, "groups n"], shifts: Int[np.ndarray, "shifts n"]
    ) -> Float[Array, "shifts groups batch"]:
        """What each shift of a group changes on all sites together, and not on each for itself."""
        ...


class Located(NamedTuple):
    """A table, and outcomes as numbers of windows: where it is read.

    Attributes
    ----------
    windows
        Their sites.
    state
        Numbers, per window, and a last one that is no window.
    table
        For each class of windows, and one of zeros, one after the other.
    """

    windows: Windows
    state: Int[Array, "windows batch"]
    table: Float[Array, "..."]

    def total(self) -> Float[Array, " batch"]:
        """The sum of all windows."""
        return self.table[self.state].sum(axis=0)

    def of_choices(
        self, state: Int[Array, "windows batch"], site: Array, old: Array
    ) -> tuple[Float[Array, "4 batch"], Any]:
        """The sum of the windows around a site for each of its outcomes."""
        close, places = (jnp.array(numbers)[site] for numbers in self.windows.around)
        blank = state[close] ^ (old << (2 * places[:, None]))
        choices = jnp.arange(OUTCOMES, dtype=old.dtype)[:, None]
        read = blank[:, None] | (choices << (2 * places[:, None, None]))
        return jnp.sum(self.table[read], axis=0), (close, places, blank)

    def put(self, state: Int[Array, "windows batch"], _: Array, new: Array, around: Any) -> Array:
        """The numbers with another outcome of a site."""
        close, places, blank = around
        return _put(state, close, blank | (new << (2 * places[:, None])))

    def single_changes(self) -> Float[Array, "4 sites batch"]:
        """Δ_i(x) for every site i and every shift x, which is 0 for x = 0."""
        around, places = self.windows.around
        read = self.state[around]  # (sites, most, batch)
        before = self.table[read]
        changes = [
            jnp.sum(self.table[read ^ (x << (2 * places[..., None]))] - before, axis=1)
            for x in range(1, OUTCOMES)
        ]
        return jnp.stack([jnp.zeros_like(changes[0]), *changes])

    def joint_changes(
        self, groups: Int[np.ndarray, "groups n"], shifts: Int[np.ndarray, "shifts n"]
    ) -> Float[Array, "shifts groups batch"]:
        """What each shift of a group changes on all sites together, and not on each for itself."""
        windows, places = self.windows.joint(groups)
        close = np.flatnonzero((windows < len(self.windows.flat)).any(axis=1))
        if len(close) < len(groups):
            shape = (len(shifts), len(groups), self.state.shape[-1])
            changed = self.joint_changes(groups[close], shifts)
            return jnp.zeros(shape, self.table.dtype).at[:, close].set(changed)
        here = self.state[windows]  # (groups, most, batch)
        # What a shift by 1 flips in the number of a window: nothing if the site is not there.
        bits = np.where(places < self.windows.size, 1 << (2 * places), 0)[..., None]
        alone = [[self.table[here ^ (x * bit)] for x in range(OUTCOMES)] for bit in bits]

        def of_all(shift: list[int]) -> Array:
            flips = sum(x * bit for x, bit in zip(shift, bits, strict=True))
            rest = self.table[here ^ flips]
            for x, found in zip(shift, alone, strict=True):
                rest = rest - found[x]
            return jnp.sum(rest + (len(shift) - 1) * alone[0][0], axis=1)

        nothing = jnp.zeros((len(groups), here.shape[-1]), self.table.dtype)
        several = np.count_nonzero(shifts, axis=1) > 1
        return jnp.stack(
            [of_all(x) if s else nothing for x, s in zip(shifts.tolist(), several, strict=True)]
        )


#: (memory, outcomes as proposed, site, key) → memory, whether each proposal is accepted.
Judge: TypeAlias = Callable[[Any, Array, Array, PRNGKeyArray], tuple[Any, Array]]


def locate(
    windows: Windows, table: Float[Array, "..."], outcomes: Int[Array, "sites batch"]
) -> Located:
    """Where a table is read for some outcomes."""
    numbers = sum(outcomes[windows.flat[:, k]] << (2 * k) for k in range(windows.size))
    padded = jnp.pad(jnp.asarray(numbers), ((0, 1), (0, 0)))
    return Located(windows, padded + jnp.array(windows.offsets, padded.dtype)[:, None], table)


def total(terms: Sequence[Term]) -> Float[Array, " batch"]:
    """The sum of all terms."""
    return jnp.sum(jnp.stack([part.total() for part in terms]), axis=0)


def accept_all(memory: Any, outcomes: Array, site: Array, key: PRNGKeyArray) -> tuple[Any, Array]:
    """A `Judge` of nothing."""
    return memory, jnp.ones(outcomes.shape[1:], dtype=bool)


def sweep(
    terms: Sequence[Term],
    outcomes: Int[Array, "sites batch"],
    key: PRNGKeyArray,
    judge: Judge = accept_all,
    memory: Any = (),
) -> tuple[Int[Array, "sites batch"], Float[Array, ""]]:
    """An update of every site, one after the other; the share of those that changed.

    Each site is drawn anew from its distribution given all others, as the terms have it (heat
    bath); a judge with a memory of its own knows the rest of log P and accepts it or does not.
    """

    def update(state: Any, at: tuple[Array, Array]) -> tuple[Any, Array]:
        outcomes, states, memory = state
        site, key = at
        old = outcomes[site]
        log_weights, around = zip(
            *(part.of_choices(here, site, old) for part, here in zip(terms, states, strict=True)),
            strict=True,
        )
        chosen = _choose(sum(log_weights, jnp.zeros(())), key)
        proposed = _put(outcomes, site[None], chosen[None])
        memory, accepted = judge(memory, proposed, site, jax.random.fold_in(key, 1))
        new = jnp.where(accepted, chosen, old)
        states = tuple(
            part.put(here, site, new, close)
            for part, here, close in zip(terms, states, around, strict=True)
        )
        outcomes = _put(outcomes, site[None], new[None])
        return (outcomes, states, memory), jnp.mean(new != old)

    sites = jnp.arange(len(outcomes))
    start: Any = (outcomes, tuple(part.state for part in terms), memory)
    (outcomes, *_), changed = jax.lax.scan(
        update, start, (sites, jax.random.split(key, len(outcomes)))
    )
    return outcomes, jnp.mean(changed)


def _put(
    rows: Int[Array, "rows batch"], where: Int[Array, " few"], values: Int[Array, "few batch"]
) -> Int[Array, "rows batch"]:
    """Rows of which a few are others; unlike by a scatter, the rest is not copied in a loop."""
    for number, row in zip(where, values, strict=True):
        rows = jax.lax.dynamic_update_index_in_dim(rows, row, number, 0)
    return rows


def _choose(log_weights: Float[Array, "4 batch"], key: PRNGKeyArray) -> Int[Array, " batch"]:
    """An outcome for each column, with probability ∝ exp(log_weights)."""
    bounds = jnp.cumsum(jnp.exp(log_weights - jnp.max(log_weights, axis=0)), axis=0)
    uniform = jax.random.uniform(key, bounds.shape[1:], bounds.dtype) * bounds[-1]
    return jnp.sum(uniform >= bounds[:-1], axis=0).astype(jnp.int32)


def changes(
    terms: Sequence[Term], groups: Int[np.ndarray, "groups n"], shifts: Int[np.ndarray, "shifts n"]
) -> tuple[Float[Array, "4 sites batch"], Float[Array, "shifts groups batch"]]:
    """What shifts of one outcome change, and what a shift of a group changes besides."""
    of_site = jnp.sum(jnp.stack([part.single_changes() for part in terms]), axis=0)
    if not len(shifts):
        return of_site, jnp.zeros((0, len(groups), of_site.shape[-1]), of_site.dtype)
    joint = [part.joint_changes(groups, shifts) for part in terms]
    return of_site, jnp.sum(jnp.stack(joint), axis=0)
