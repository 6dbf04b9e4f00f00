"""The sum over sites of an energy network: itself, its derivatives, and what changes of it.

Where a term reads few sites, all its values are tabulated. Otherwise it is evaluated anew where the
outcomes that it reads have changed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from opentdvp.engine.ansatz.energy.network import EnergyNetwork
from opentdvp.engine.ansatz.energy.surroundings import Surroundings
from opentdvp.engine.ansatz.interface import Parameters
from opentdvp.engine.povm.tetrahedron import OUTCOMES

#: Images of the sum, its terms, and samples.
Terms = Float[Array, "images terms batch"]

#: Shifts of both outcomes of pairs → what they change besides the changes by either.
OfBoth: TypeAlias = Callable[[Int[np.ndarray, "shifts 2"]], Float[Array, "shifts pairs batch"]]


@dataclass(frozen=True, eq=False)
class Energy:
    """f(a) = mean over images of Σ_i f_i.

    Attributes
    ----------
    letters
        χ_α(a), shape (4 outcomes, 3 letters).
    """

    network: EnergyNetwork
    surroundings: Surroundings
    letters: Float[np.ndarray, "4 3"]

    def __call__(
        self, parameters: Parameters, outcomes: Int[Array, "sites batch"]
    ) -> Float[Array, " batch"]:
        """f of all outcomes."""
        return total(self.terms(parameters, outcomes))

    def terms(self, parameters: Parameters, outcomes: Int[Array, "sites batch"]) -> Terms:
        """f_i of all sites."""
        return self._read(parameters, outcomes[self.surroundings.whole])

    def follow(self, parameters: Parameters, outcomes: Int[Array, "sites batch"]) -> Any:
        """What `judge` goes on from: all terms."""
        return self.terms(parameters, outcomes)

    def derivatives(
        self, parameters: Parameters, outcomes: Int[Array, "sites batch"]
    ) -> Float[Array, "batch P"]:
        """∂f/∂θ_k of all outcomes."""

        def of_one(outcome: Array) -> Array:
            return ravel_pytree(jax.grad(lambda p: self(p, outcome[:, None])[0])(parameters))[0]

        return jax.vmap(of_one, in_axes=1)(outcomes)

    def judge(
        self,
        parameters: Parameters,
        memory: Any,
        changed: Int[Array, "sites batch"],
        site: Int[Array, ""],
        key: PRNGKeyArray,
    ) -> tuple[Any, Bool[Array, " batch"]]:
        """Accept or not what has been proposed for a site: Metropolis' rule.

        Parameters
        ----------
        parameters, memory
            The network, and what is known of the outcomes before.
        changed, site
            Outcomes as proposed, and where they may differ. The proposal has to obey detailed
            balance for what log P has besides f.
        key
            Of the random numbers.

        Returns
        -------
        What is known after it, and whether each proposal was accepted.
        """
        terms, images = memory, np.arange(len(memory))[:, None]
        where = jnp.array(self.surroundings.changed)[:, site]
        proposed = self._read(parameters, changed[jnp.array(self.surroundings.read)[:, site]])
        present = terms[images, where]
        gain = total(proposed - present)
        accepted = jnp.log(jax.random.uniform(key, gain.shape, gain.dtype)) < gain
        return terms.at[images, where].set(jnp.where(accepted, proposed, present)), accepted

    def changes(
        self,
        parameters: Parameters,
        outcomes: Int[Array, "sites batch"],
        pairs: Int[np.ndarray, "pairs 2"],
        shifts: Int[np.ndarray, "shifts 2"],
    ) -> tuple[Float[Array, "4 sites batch"], Float[Array, "shifts pairs batch"]]:
        """What shifts of one outcome change, and what a shift of a pair changes besides."""
        of_site, of_both = self.follow_changes(parameters, outcomes, pairs)
        both = np.flatnonzero(shifts.all(axis=1))
        joint = jnp.zeros((len(shifts), len(pairs), outcomes.shape[1]), of_site.dtype)
        return of_site, joint.at[both].set(of_both(shifts[both])) if len(both) else joint

    def follow_changes(
        self,
        parameters: Parameters,
        outcomes: Int[Array, "sites batch"],
        pairs: Int[np.ndarray, "pairs 2"],
    ) -> tuple[Float[Array, "4 sites batch"], OfBoth]:
        """What shifts of one outcome change, and how to find what those of both change besides."""
        terms = self.terms(parameters, outcomes)
        of_site = self._of_sites(parameters, outcomes, terms)

        def of_both(shifts: np.ndarray) -> Array:
            if self.surroundings.everything:
                alone = total(terms) + of_site
                before = alone[shifts[:, 1]][:, pairs[:, 1]]
            else:
                before = self._of_pairs(parameters, outcomes, pairs, shifts * [0, 1])
            after = self._of_pairs(parameters, outcomes, pairs, shifts)
            return after - before - of_site[shifts[:, 0]][:, pairs[:, 0]]

        return of_site, of_both

    def _of_sites(self, parameters: Parameters, outcomes: Array, terms: Terms) -> Array:
        """Δ_i(x) for all sites i and shifts x."""
        read, changed = self.surroundings.read, self.surroundings.changed
        images = np.arange(len(read))[:, None]

        def of_site(at: tuple[Array, Array, Array]) -> Array:
            sites, where, here = at
            patch, present = outcomes[sites], total(terms[images, where])
            shifted = [
                total(self._read(parameters, patch ^ (x * (sites == here))[..., None])) - present
                for x in range(1, OUTCOMES)
            ]
            return jnp.stack([jnp.zeros_like(present), *shifted])

        at = (_by_site(read), _by_site(changed), jnp.arange(outcomes.shape[0]))
        return jnp.moveaxis(jax.lax.map(of_site, at), 0, 1)

    def _of_pairs(
        self, parameters: Parameters, outcomes: Array, pairs: np.ndarray, shifts: np.ndarray
    ) -> Float[Array, "shifts pairs batch"]:
        """The terms around the first sites of pairs, with both sites shifted."""

        def of_pair(at: tuple[Array, Array]) -> Array:
            sites, (i, j) = at
            patch = outcomes[sites]
            shifted = [
                total(self._read(parameters, patch ^ flips[..., None]))
                for flips in (x * (sites == i) ^ y * (sites == j) for x, y in shifts.tolist())
            ]
            return jnp.stack(shifted)

        at = (_by_site(self.surroundings.read)[pairs[:, 0]], jnp.array(pairs))
        return jnp.moveaxis(jax.lax.map(of_pair, at), 0, 1)

    def of_windows(
        self, parameters: Parameters, outcomes: Int[Array, "batch *box"]
    ) -> Float[Array, " batch"]:
        """f_i for what a term reads, without images."""
        return self._apply(parameters, outcomes).ravel()

    def _read(self, parameters: Parameters, patches: Int[Array, "images *patch batch"]) -> Terms:
        """The terms of the inner sites of patches, one for each image."""
        shifts = self.surroundings.shifts.reshape(-1, *(1,) * (patches.ndim - 1))
        # The network's samples: those of all images.
        samples = jnp.moveaxis(patches ^ shifts, -1, 1)
        values = self._apply(parameters, samples.reshape(-1, *samples.shape[2:]))
        return jnp.moveaxis(values.reshape(*samples.shape[:2], -1), 1, 2)

    def _apply(self, parameters: Parameters, outcomes: Int[Array, "batch *patch"]) -> Array:
        letters = jnp.array(self.letters, jax.tree.leaves(parameters)[0].dtype)
        return jnp.asarray(self.network.apply(parameters, letters[outcomes]), letters.dtype)


def total(terms: Terms) -> Float[Array, " batch"]:
    """The sum over terms, averaged over images."""
    return jnp.sum(terms, axis=1).mean(axis=0)


def _by_site(numbers: np.ndarray) -> Array:
    """Entries of each site, for all images."""
    return jnp.moveaxis(jnp.array(numbers), 1, 0)
