"""Sums of terms, most of them tabulated: what changes of them, and a sweep that follows it.

With Δ_i(x) the change of log P when the outcome of site i is shifted by x, bitwise, the change by a
shift on both sites of a pair is Δ_i(x) + Δ_j(y) and a rest from the windows that contain both.
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
        self, pairs: Int[np.ndarray, "pairs 2"], shifts: Int[np.ndarray, "shifts 2"]
    ) -> Float[Array, "shifts pairs batch"]:
        """What each shift of a pair changes on both sites together, and not on each for itself."""
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
        self, pairs: Int[np.ndarray, "pairs 2"], shifts: Int[np.ndarray, "shifts 2"]
    ) -> Float[Array, "shifts pairs batch"]:
        """What each shift of a pair changes on both sites together, and not on each for itself."""
        table = self.table
        both, first, second = self.windows.joint(map(tuple, pairs.tolist()))
        here = self.state[both]  # (pairs, most, batch)
        flips = [(x << (2 * first[..., None])) | (y << (2 * second[..., None])) for x, y in shifts]
        on_first = [table[here ^ (x << (2 * first[..., None]))] for x in range(OUTCOMES)]
        on_second = [table[here ^ (y << (2 * second[..., None]))] for y in range(OUTCOMES)]
        changed = [
            jnp.sum(table[here ^ flip] - on_first[x] - on_second[y] + on_first[0], axis=1)
            if x and y
            else jnp.zeros((len(pairs), here.shape[-1]), table.dtype)
            for flip, (x, y) in zip(flips, shifts.tolist(), strict=True)
        ]
        return jnp.stack(changed)


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
    terms: Sequence[Term], pairs: Int[np.ndarray, "pairs 2"], shifts: Int[np.ndarray, "shifts 2"]
) -> tuple[Float[Array, "4 sites batch"], Float[Array, "shifts pairs batch"]]:
    """What shifts of one outcome change, and what a shift of a pair changes besides."""
    of_site = jnp.sum(jnp.stack([part.single_changes() for part in terms]), axis=0)
    if not len(shifts):
        return of_site, jnp.zeros((0, len(pairs), of_site.shape[-1]), of_site.dtype)
    joint = [part.joint_changes(pairs, shifts) for part in terms]
    return of_site, jnp.sum(jnp.stack(joint), axis=0)
