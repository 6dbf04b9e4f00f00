"""What changed outcomes change of a convolution, layer by layer and only where they are felt.

With z_ℓ the signals of layer ℓ before the activation, h_ℓ = act(z_ℓ), and δ what a shift of one
outcome changes, a shift of both outcomes of a pair changes z_ℓ by δ_i z_ℓ + δ_j z_ℓ + e_ℓ, where
e_1 = 0 and e_(ℓ+1) = K_(ℓ+1) ∗ (h_ℓ(z_ℓ + δ_i z_ℓ + δ_j z_ℓ + e_ℓ) − h_ℓ − δ_i h_ℓ − δ_j h_ℓ). So
what changes of f besides the changes by each outcome alone is a sum of such terms of the last
layer. Images are samples of their own here; arrays have sites and features first, samples last.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from opentdvp.engine.ansatz.energy.convolution import Convolution
from opentdvp.engine.ansatz.energy.energy import Energy, OfBoth
from opentdvp.engine.ansatz.energy.regions import Regions
from opentdvp.engine.ansatz.interface import Parameters
from opentdvp.engine.ansatz.recurrent import ACTIVATIONS
from opentdvp.engine.povm.tetrahedron import OUTCOMES

#: By layer: sites (or those of a region), features, and what comes after them.
Signals: TypeAlias = list[Array]


class Followed(NamedTuple):
    """What a sweep remembers: the outcomes, and their signals of all layers."""

    outcomes: Int[Array, "sites batch"]
    signals: Signals


class Alone(NamedTuple):
    """By site: what the three shifts of its outcome change of f, of signals and of features."""

    gains: Float[Array, "sites 3 samples"]
    signals: Signals
    features: Signals


@dataclass(frozen=True, eq=False)
class LayeredEnergy(Energy):
    """The sum over sites of a convolution; its images are half turns alone."""

    network: Convolution

    @cached_property
    def regions(self) -> Regions:
        """Where outcomes are felt."""
        return Regions(self.surroundings.shape, self.network.kernels, self.network.classes)

    def __call__(
        self, parameters: Parameters, outcomes: Int[Array, "sites batch"]
    ) -> Float[Array, " batch"]:
        """f of all outcomes."""
        last = self._signals(parameters, self._images(outcomes))[-1]
        output = parameters["params"]["output"]
        return self._mean(jnp.einsum("c,scb->b", output, self._activate(last)))

    def follow(self, parameters: Parameters, outcomes: Int[Array, "sites batch"]) -> Followed:
        """What `judge` goes on from."""
        return Followed(outcomes, self._signals(parameters, self._images(outcomes)))

    def judge(
        self,
        parameters: Parameters,
        memory: Followed,
        changed: Int[Array, "sites batch"],
        site: Int[Array, ""],
        key: PRNGKeyArray,
    ) -> tuple[Followed, Bool[Array, " batch"]]:
        """Accept or not what has been proposed for a site: Metropolis' rule."""
        before, after = memory.outcomes[site], changed[site]
        letters = self._of(parameters, self._images(after)) - self._of(
            parameters, self._images(before)
        )
        regions = [jnp.array(region)[site] for region in self.regions.reached]
        here = [part[region] for part, region in zip(memory.signals, regions, strict=True)]
        gains, moved, _ = self._follow_change(parameters, here, letters)
        gain = self._mean(gains)
        accepted = jnp.log(jax.random.uniform(key, gain.shape, gain.dtype)) < gain
        everywhere = jnp.tile(accepted, len(self.surroundings.shifts))
        signals = [
            part.at[region].add(jnp.where(everywhere, move, 0))
            for part, region, move in zip(memory.signals, regions, moved, strict=True)
        ]
        outcomes = changed.at[site].set(jnp.where(accepted, after, before))
        return Followed(outcomes, signals), accepted

    def follow_changes(
        self,
        parameters: Parameters,
        outcomes: Int[Array, "sites batch"],
        pairs: Int[np.ndarray, "pairs 2"],
    ) -> tuple[Float[Array, "4 sites batch"], OfBoth]:
        """What shifts of one outcome change, and how to find what those of both change besides."""
        images = self._images(outcomes)
        signals = self._signals(parameters, images)
        alone = self._alone(parameters, images, signals)
        of_site = jnp.moveaxis(self._mean(alone.gains), 1, 0)
        of_site = jnp.concatenate([jnp.zeros_like(of_site[:1]), of_site])

        def of_both(shifts: np.ndarray) -> Array:
            found = self._joint(parameters, signals, alone, pairs, shifts)
            return jnp.moveaxis(self._mean(found), 1, 0)

        return of_site, of_both

    def _alone(self, parameters: Parameters, outcomes: Array, signals: Signals) -> Alone:
        """Shifts of one outcome, for all sites."""
        shifts = jnp.arange(1, OUTCOMES, dtype=outcomes.dtype)[:, None]

        def of_site(at: tuple[Array, tuple[Array, ...]]) -> Alone:
            old, regions = at
            letters = self._of(parameters, old ^ shifts) - self._of(parameters, old)[:, None]
            here = [part[region] for part, region in zip(signals, regions, strict=True)]
            return Alone(*self._follow_change(parameters, here, letters))

        regions = tuple(jnp.array(region) for region in self.regions.reached)
        return jax.lax.map(of_site, (outcomes, regions))

    def _follow_change(
        self, parameters: Parameters, here: Signals, letters: Float[Array, "3 *rest"]
    ) -> tuple[Float[Array, "*rest"], Signals, Signals]:
        """From a change of letters on a site to those of f, of signals and of features around it.

        `here` are the signals around it.
        """
        moves: Signals = []
        changes: Signals = []
        source = letters[None]
        for layer, part in enumerate(here):
            part = part.reshape(*part.shape[:2], *(1,) * (letters.ndim - 2), part.shape[-1])
            moves.append(self._onward(parameters, layer, source))
            source = self._activate(part + moves[-1]) - self._activate(part)
            changes.append(source)
        return jnp.einsum("c,rc...->...", parameters["params"]["output"], source), moves, changes

    def _joint(
        self,
        parameters: Parameters,
        signals: Signals,
        alone: Alone,
        pairs: np.ndarray,
        shifts: np.ndarray,
    ) -> Float[Array, "pairs shifts samples"]:
        """What a shift of both outcomes of a pair changes of f besides those by each alone."""
        output = parameters["params"]["output"]

        def of_pair(at: tuple[Array, tuple[Array, ...], tuple[Array, ...]]) -> Array:
            (i, j), regions, seen = at
            rest: Array | float = 0.0
            for layer, region in enumerate(regions):
                moves, changes = alone.signals[layer], alone.features[layer]
                here = signals[layer][region][:, :, None, None]
                moved = moves[i][:, :, :, None] + _seen(moves[j], seen[layer])[:, :, None]
                known = changes[i][:, :, :, None] + _seen(changes[j], seen[layer])[:, :, None]
                features = self._activate(here + moved + rest) - self._activate(here) - known
                if layer + 1 < len(regions):
                    rest = self._onward(parameters, layer + 1, features)
            gains = jnp.einsum("c,rcxyb->xyb", output, features)
            return jnp.stack([gains[x - 1, y - 1] for x, y in shifts.tolist()])

        regions = tuple(jnp.array(region[pairs[:, 0]]) for region in self.regions.reached)
        seen = tuple(map(jnp.array, self.regions.seen_from(pairs)))
        return jax.lax.map(of_pair, (jnp.array(pairs), regions, seen))

    def _onward(
        self, parameters: Parameters, layer: int, features: Float[Array, "before features *rest"]
    ) -> Float[Array, "region channels *rest"]:
        """K_ℓ ∗ features, from the region of the layer before to that of this one."""
        kernel = parameters["params"][f"kernel_{layer}"]
        blocks = jnp.pad(kernel, ((0, 1), (0, 0), (0, 0)))[self.regions.connections[layer]]
        region, before, inside, channels = blocks.shape
        matrix = jnp.moveaxis(blocks, 3, 1).reshape(region * channels, before * inside)
        result = matrix @ features.reshape(before * inside, -1)
        return result.reshape(region, channels, *features.shape[2:])

    def _signals(self, parameters: Parameters, outcomes: Int[Array, "sites samples"]) -> Signals:
        """z of all layers, everywhere."""
        features = jnp.moveaxis(self._of(parameters, outcomes), 0, 1)
        signals = []
        for layer, (read, classes) in enumerate(
            zip(self.regions.read, self.network.classes, strict=True)
        ):
            kernel = parameters["params"][f"kernel_{layer}"]
            bias = parameters["params"][f"bias_{layer}"]
            sums = jax.ops.segment_sum(features[read.T], jnp.array(classes), len(kernel))
            signals.append(jnp.einsum("ksib,kio->sob", sums, kernel) + bias[:, None])
            features = self._activate(signals[-1])
        return signals

    def _of(self, parameters: Parameters, outcomes: Int[Array, "*shape"]) -> Array:
        """Letters of outcomes, as the first axis."""
        letters = jnp.array(self.letters, parameters["params"]["output"].dtype)
        return jnp.moveaxis(letters[outcomes], -1, 0)

    def _images(self, outcomes: Int[Array, "*sites batch"]) -> Int[Array, "*sites samples"]:
        shifts = np.unique(self.surroundings.shifts).tolist()
        return jnp.concatenate([outcomes ^ shift for shift in shifts], axis=-1)

    def _mean(self, values: Float[Array, "*rest samples"]) -> Float[Array, "*rest batch"]:
        """The mean over images."""
        count = len(self.surroundings.shifts)
        return values.reshape(*values.shape[:-1], count, -1).mean(axis=-2)

    @property
    def _activate(self) -> Callable[[Array], Array]:
        return ACTIVATIONS[self.network.activation]


def _seen(values: Float[Array, "region features *rest"], places: Int[Array, " here"]) -> Array:
    """Values of another region, zero where a site is not in it."""
    return jnp.concatenate([values, jnp.zeros_like(values[:1])])[places]
