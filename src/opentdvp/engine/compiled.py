"""Functions compiled for all devices; what travels to them and back is NumPy's."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import PRNGKeyArray

from opentdvp.engine.devices import all_devices


class Compiled(NamedTuple):
    """A compiled function, and the bytes that it needs on a device while it runs."""

    function: Callable[..., Any]
    memory: int


def compiled(function: Callable[..., Any], *arguments: Any) -> Compiled:
    """`function` of arguments like these, compiled; every process gets the whole result."""
    everywhere = NamedSharding(all_devices(), PartitionSpec())
    compiled = jax.jit(function, out_shardings=everywhere).lower(*arguments).compile()
    return Compiled(compiled, _needed(compiled.memory_analysis()))


def shapes_of(function: Callable[..., Any], *arguments: Any) -> Any:
    """Results of a compiled function of arguments like these, as arguments of others."""
    everywhere = NamedSharding(all_devices(), PartitionSpec())
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=everywhere),
        jax.eval_shape(function, *arguments),
    )


def of_key_data(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, whose last argument is a key, of the plain numbers of that key.

    Only these travel, because an array of one process is not one of all.
    """
    return lambda *arguments: function(*arguments[:-1], jax.random.wrap_key_data(arguments[-1]))


def key_data(key: PRNGKeyArray) -> np.ndarray:
    """The plain numbers of a key."""
    return np.asarray(jax.random.key_data(key))


def on_host(tree: Any) -> Any:
    """A tree of arrays in NumPy."""
    return jax.tree.map(np.asarray, tree)


def _needed(analysis: Any) -> int:
    """Bytes of a compiled function's results and of what it computes on the way."""
    # Some devices know nothing of it.
    if analysis is None:
        return 0
    return int(analysis.temp_size_in_bytes + analysis.output_size_in_bytes)
