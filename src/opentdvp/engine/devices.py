"""Work on samples, spread over all devices and in chunks that bound the memory."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, Mesh, PartitionSpec
from jaxtyping import Array, Int

Values = TypeVar("Values")

_SAMPLES = "samples"


def all_devices() -> Mesh:
    """All devices of all processes in a row."""
    return jax.make_mesh((jax.device_count(),), (_SAMPLES,), axis_types=(AxisType.Auto,))


def for_samples(
    function: Callable[[Int[Array, "chunk sites"]], Values],
    outcomes: Int[Array, "samples sites"],
    chunk: int,
) -> Values:
    """`function` over all outcomes, `chunk` of them at a time on every device.

    The leading axis of every array that `function` returns is that of the samples. Which outcomes
    share a chunk does not depend on the number of devices.
    """
    mesh = all_devices()
    count, sites = outcomes.shape
    size = min(chunk, count)
    chunks = -(-count // size)
    padding = -(-chunks // mesh.size) * mesh.size * size - count
    parts = jnp.pad(outcomes, ((0, padding), (0, 0))).reshape(-1, size, sites)
    rows = PartitionSpec(_SAMPLES)
    spread = jax.shard_map(
        partial(jax.lax.map, function), mesh=mesh, in_specs=rows, out_specs=rows, check_vma=False
    )
    return jax.tree.map(lambda v: v.reshape(-1, *v.shape[2:])[:count], spread(parts))
