"""Local estimates of a network that is averaged over its orbit."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from opentdvp.engine.ansatz.interface import Parameters
from opentdvp.engine.ansatz.orbit import OrbitAnsatz
from opentdvp.engine.devices import for_samples
from opentdvp.engine.estimates.estimator import Estimate, Factors
from opentdvp.engine.estimates.prefix_and_forgetting import local_estimates
from opentdvp.engine.povm.generator import Generator


@dataclass(frozen=True, eq=False)
class OrbitEstimator:
    """E(a) = Σ_τ w_τ(a) E_net(τa) over the images τa of an outcome.

    Where parameters are in single precision the network runs in float32; sums are in float64.

    Attributes
    ----------
    bound
        Change of the log-conditionals that counts as forgotten (`local_estimates`).
    chunk
        Outcomes evaluated together, each with its whole orbit.
    """

    ansatz: OrbitAnsatz
    generator: Generator
    bound: float
    chunk: int

    def __call__(
        self,
        parameters: Parameters,
        outcomes: Int[Array, "rows sites"],
        needed: Int[Array, ""] | None = None,
        factors: Factors = None,
    ) -> Estimate:
        """As for every estimator.

        Diagnostics: how far the local estimates were followed, `window_prefix` and
        `window_suffix`, and the largest change that was left out, `forgotten`.
        """
        ansatz, symmetries = self.ansatz, self.ansatz.symmetries
        shares = ansatz.network.stationary and self.bound > 0
        stride = symmetries.stride if shares else 0
        generator = self.generator.at(factors)

        def of_chunk(chunk: Array) -> Estimate:
            sites = chunk.shape[1]
            # Elements of the point group share nothing: they are more samples to the network.
            images = ansatz.images(chunk).reshape(sites, -1, symmetries.translations, len(chunk))
            images = images.swapaxes(1, 2).reshape(sites, symmetries.translations, -1)
            found = local_estimates(
                ansatz.network, parameters, generator, images, self.bound, stride
            )
            shape = (-1, len(chunk))
            weights = jax.nn.softmax(found.log_probability.reshape(shape), axis=0)
            value = jnp.sum(weights * found.values.reshape(shape), axis=0)
            diagnostics = {
                "forgotten": found.forgotten,
                "window_prefix": found.prefix,
                "window_suffix": found.suffix,
            }
            # The same for all outcomes of a chunk.
            spread = {k: jnp.broadcast_to(v, value.shape) for k, v in diagnostics.items()}
            return Estimate(value, spread)

        return for_samples(of_chunk, outcomes, self.chunk, needed)
