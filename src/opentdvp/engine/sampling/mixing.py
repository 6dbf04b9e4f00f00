"""How far Markov chains have forgotten where they were, from a few sweeps of many chains.

A run has thousands of chains, each moved by a few sweeps per draw. So correlations are averages
over chains, not over the time of one: ρ(s) = corr[f(a₀), f(a_s)] of a watched quantity f between
the outcomes before the first sweep and after s of them is known to 1/√chains, however few sweeps
there are. (A split-R̂ of each chain by itself asks for chains so long that each finds the mean
alone: it would be 1.3 for six sweeps that each halve the correlation.)

Chains of one draw are independent of each other whatever ρ is. What is left of ρ does harm
otherwise: draws of successive steps have noise in common, and chains that have to follow a moving
P_θ lag behind.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float
from scipy import stats

#: The place of log P among the watched quantities, after the magnetisations.
LOG_PROBABILITY = 3

#: Groups of chains that start alike. Few, so that each has many chains.
_GROUPS = 8

#: Largest nested R̂ of a draw, the usual bound; that of a correlation of 0.42 that is left.
_R_HAT = 1.1

#: Largest lag in standard deviations. Parameters that are off by δθ move no mean by more than
#: √(δθᵀSδθ) of these, so it is a distance in the Fisher norm, in which steps are measured.
_LAG = 0.1

#: Probability that chains which do not break a bound seem to, for each quantity at each draw.
_CHANCE = 1e-7


class Mixing(NamedTuple):
    """What a draw's sweeps say of each watched quantity.

    Attributes
    ----------
    left
        ρ after the last sweep, or zero if that is negative: the correlation of two draws.
    time
        Integrated autocorrelation time 1 + 2 Σ_s ρ(s) in sweeps; after the last one that was seen,
        ρ is taken to go on exponentially.
    r_hat, r_hat_by_chance
        Nested R̂ after the last sweep, and what it can be though everything is forgotten.
    lag, lag_error
        How far the mean has to go to that of P_θ, in standard deviations; its standard error.
    lag_by_chance
        In standard errors, what the lag can be though there is none.
    """

    left: Float[Array, " watched"]
    time: Float[Array, " watched"]
    r_hat: Float[Array, " watched"]
    r_hat_by_chance: float
    lag: Float[Array, " watched"]
    lag_error: Float[Array, " watched"]
    lag_by_chance: float

    @property
    def equilibrated(self) -> Bool[Array, ""]:
        """Whether neither memory nor lag is beyond its bound, and beyond chance."""
        forgotten = self.r_hat**2 <= _R_HAT**2 + self.r_hat_by_chance**2 - 1
        followed = jnp.abs(self.lag) <= _LAG + self.lag_by_chance * self.lag_error
        # What is not finite has other causes.
        return jnp.all((forgotten & followed) | ~jnp.isfinite(self.r_hat))

    def diagnostics(self, samples: Float[Array, ""]) -> dict[str, Float[Array, ""]]:
        """The worst of all quantities, for a draw of so many samples; by name.

        `effective_samples` is what one of many successive draws is worth, in independent ones.
        """
        left, farthest = self.left.max(), jnp.abs(self.lag).argmax()
        return {
            "correlation_left": left,
            "autocorrelation_magnetization": self.time[:LOG_PROBABILITY].max(),
            "autocorrelation_log_probability": self.time[LOG_PROBABILITY],
            "effective_samples": samples * (1 - left) / (1 + left),
            "nested_r_hat": self.r_hat.max(),
            "lag": jnp.abs(self.lag)[farthest],
            "lag_error": self.lag_error[farthest],
        }


def mixing(seen: Float[Array, "chains looks watched"]) -> Mixing:
    """Correlations, R̂ and lag of watched quantities, from before the first sweep to the last."""
    # Without a common part, so that what is the same in all chains is zero and not rounded.
    seen = seen.astype(jnp.float64) - seen[:1, :1]
    correlation = jnp.maximum(_correlations(seen), 0)
    left, sweeps = correlation[-1], len(correlation) - 1
    # The factor per sweep; an infinite time if nothing was forgotten.
    rate = left ** (1 / sweeps)
    time = 1 + 2 * (correlation[1:].sum(axis=0) + left * rate / (1 - rate))
    first, last = seen[:, 0], seen[:, -1]
    r_hat, r_hat_by_chance = _nested_r_hat(first, last)
    lag, lag_error, lag_by_chance = _lag(first, last, left)
    return Mixing(left, time, r_hat, r_hat_by_chance, lag, lag_error, lag_by_chance)


def _correlations(
    seen: Float[Array, "chains looks watched"],
) -> Float[Array, "looks watched"]:
    """Of each look with the first one, over chains; zero for what is the same in all chains."""
    centred = seen - seen.mean(axis=0)
    spread = jnp.sqrt(jnp.mean(centred**2, axis=0))
    return _ratio(jnp.mean(centred * centred[:, :1], axis=0), spread * spread[0])


def _nested_r_hat(
    first: Float[Array, "chains watched"], last: Float[Array, "chains watched"]
) -> tuple[Float[Array, " watched"], float]:
    """√(1 + B/W) with variances of `last` between the means of groups of chains and within groups.

    A group is made of chains that start alike, those with neighbouring values of `first`, in place
    of chains that start at one point (nested R̂: Margossian et al., Bayesian Analysis 2024): ours
    all start at samples of their own. With a linear memory it is 1/√(1 − ρ²).
    """
    groups = min(_GROUPS, len(first) // 2)
    size = len(first) // groups
    order = jnp.argsort(first, axis=0)
    ordered = jnp.take_along_axis(last, order, axis=0)[: groups * size]
    grouped = ordered.reshape(groups, size, -1)
    between = grouped.mean(axis=1).var(axis=0, ddof=1)
    within = grouped.var(axis=1, ddof=1).mean(axis=0)
    # If nothing is remembered, size · B/W follows this distribution.
    chance = stats.f.isf(_CHANCE, groups - 1, groups * (size - 1)) / size
    return jnp.sqrt(1 + _ratio(between, within)), float((1 + chance) ** 0.5)


def _lag(
    first: Float[Array, "chains watched"],
    last: Float[Array, "chains watched"],
    left: Float[Array, " watched"],
) -> tuple[Float[Array, " watched"], Float[Array, " watched"], float]:
    """What the mean still has to go, if the sweeps leave a share `left` of every way to go.

    They went the share 1 − left of it. Chains that follow P_θ went nowhere on average: that is the
    Schwinger-Dyson equation of the sweep.
    """
    change = last - first
    mean, root, spread = change.mean(axis=0), len(first) ** 0.5, last.std(axis=0)
    share = left / (1 - left)
    # The standard error of a correlation is (1 − ρ²)/√chains.
    of_share = mean * (1 + left) / (1 - left)
    error = jnp.hypot(change.std(axis=0) * share, of_share) / root
    chance = float(stats.t.isf(_CHANCE / 2, len(first) - 1))
    return _ratio(mean * share, spread), _ratio(error, spread), chance


def _ratio(part: Array, whole: Array) -> Array:
    """Zero where both are."""
    return jnp.where(part == 0, 0, part / jnp.where(part == 0, 1, whole))
