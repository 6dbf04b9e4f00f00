"""Work on samples, spread over all devices and in chunks that bound the memory."""

import logging
import os
from collections.abc import Callable
from functools import partial
from math import prod
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, Mesh, PartitionSpec
from jaxtyping import Array, Int, Shaped

from opentdvp.errors import ConfigError
from opentdvp.records.memory import give_back_large_pieces, machine_memory, peak_memory

Samples = TypeVar("Samples")
Values = TypeVar("Values")

_SAMPLES = "samples"

_MEBIBYTE = 2**20

#: Bytes. A run that needs more has arrays so large that holes between them count.
_LARGE = 1536 * _MEBIBYTE

#: Bytes that work on a few samples may go through and still be in a core's cache.
_CACHE = 2**18

logger = logging.getLogger(__name__)


def join_tasks() -> bool:
    """Make one JAX program of all tasks of a SLURM step; return whether this is the first of them.

    Has to be called before any computation. All tasks then run the same commands, and each has the
    result; one of them is to write it.

    Raises
    ------
    ConfigError
        If this process is not a task that `srun` has started.
    """
    if "SLURM_STEP_NODELIST" not in os.environ:
        raise ConfigError(
            "Option --distributed must be used in a step of SLURM, started by srun, but is not."
        )
    jax.distributed.initialize(cluster_detection_method="slurm")
    return jax.process_index() == 0


def require_devices() -> None:
    """Raise `ConfigError` if JAX finds no devices of the kind that the environment asks for."""
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:
        wanted = os.environ.get("JAX_PLATFORMS", "")
        reason = " ".join(str(error).split()) or "there are none of this kind."
        raise ConfigError(
            "The environment variable JAX_PLATFORMS must name devices that JAX finds here, cpu for "
            f"example, or be unset, but is {wanted!r}: {reason}"
        ) from error


def announce_memory(needed: int) -> None:
    """Say how much memory a device needs for `needed` bytes of results, and warn if it has less.

    On a processor the program itself is added, and a process that needs much does not keep large
    pieces that it has freed.
    """
    device = jax.local_devices()[0]
    if device.platform == "cpu":
        needed += peak_memory()
        if needed > _LARGE:
            give_back_large_pieces()
        there = machine_memory()
    else:
        there = (device.memory_stats() or {}).get("bytes_limit", 0)
    logger.info("The run needs about %d MiB of memory.", needed / _MEBIBYTE)
    if 0 < there < needed:
        logger.warning(
            "That is more than the %d MiB that there are; use fewer samples, a smaller `chunk`, a "
            "smaller network, or the method sample_space.",
            there / _MEBIBYTE,
        )


def all_devices() -> Mesh:
    """All devices of all processes in a row."""
    return jax.make_mesh((jax.device_count(),), (_SAMPLES,), axis_types=(AxisType.Auto,))


def cached_chunk(chunk: int, bytes_of_sample: int | None) -> int:
    """How many samples to take at a time, at most `chunk`, so that a processor is fast.

    Other devices are fast if they take many, and so is what has no `bytes_of_sample`.
    """
    if jax.default_backend() != "cpu" or bytes_of_sample is None:
        return chunk
    return min(chunk, max(16, _CACHE // bytes_of_sample))


def for_samples(
    function: Callable[[Samples], Values],
    samples: Samples,
    chunk: int,
    needed: Int[Array, ""] | None = None,
) -> Values:
    """`function` over all samples, `chunk` of them at a time on every device.

    The leading axis of every array, of those that `function` is given and of those that it returns,
    is that of the samples. Which samples share a chunk does not depend on the number of devices.

    Parameters
    ----------
    function, samples, chunk
        What to do with what (outcomes, or the random numbers they are made of; an array or several,
        as a tree), and how many at a time.
    needed
        Number of samples from the first on that matter, all by default; chunks without any of
        them are left out, and zeros take the place of their values.
    """
    mesh = all_devices()
    count = len(jax.tree.leaves(samples)[0])
    size = min(chunk, count)
    # Devices take chunks in turn, so that all have work until the needed ones are done.
    turns = (-(-count // (size * mesh.size)), mesh.size, size)
    parts = jax.tree.map(partial(_in_turns, turns), samples)
    firsts = jnp.arange(turns[0] * mesh.size).reshape(turns[:2]) * size
    last = jnp.asarray(count if needed is None else needed)

    def of_chunk(last: Array, work: tuple[Array, Samples]) -> Values:
        first, part = work
        blank = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), jax.eval_shape(function, part))
        return jax.lax.cond(first < last, function, lambda _: blank, part)

    def on_device(work: tuple[Array, Samples], last: Array) -> Values:
        own = jax.tree.map(lambda values: values[:, 0], work)
        result = jax.lax.map(partial(of_chunk, last), own)
        return jax.tree.map(lambda values: values[:, None], result)

    shared_out = PartitionSpec(None, _SAMPLES)
    spread = jax.shard_map(
        on_device,
        mesh=mesh,
        in_specs=(shared_out, PartitionSpec()),
        out_specs=shared_out,
        check_vma=False,
    )
    result = spread((firsts, parts), last)
    return jax.tree.map(lambda v: v.reshape(-1, *v.shape[3:])[:count], result)


def _in_turns(
    turns: tuple[int, int, int], values: Shaped[Array, "samples ..."]
) -> Shaped[Array, "rounds devices chunk ..."]:
    """The samples that each device works on in each round, filled up with zeros."""
    missing = prod(turns) - len(values)
    padded = jnp.pad(values, ((0, missing), *((0, 0),) * (values.ndim - 1)))
    return padded.reshape(*turns, *values.shape[1:])
