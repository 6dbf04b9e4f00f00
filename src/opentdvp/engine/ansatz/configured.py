"""The networks that a configuration can name, and those of a user's own file."""

import math
import sys
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from opentdvp.config.networks import CustomNetwork, RecurrentNetwork
from opentdvp.engine.ansatz.autoregressive import (
    Autoregressive,
    Start,
    all_conditionals,
    initial_parameters,
)
from opentdvp.engine.ansatz.energy.network import LETTERS, EnergyNetwork, fresh_parameters
from opentdvp.engine.ansatz.recurrent import ChainRecurrent, RasterRecurrent
from opentdvp.engine.povm.tetrahedron import OUTCOMES
from opentdvp.errors import ConfigError

#: Outcomes at which the start state of a custom network is looked at, and how exact it must be.
_OUTCOMES_CHECKED = 8
_START_TOLERANCE = 1e-6

#: What a network has to return.
_CONDITIONALS = "log-conditionals of the shape (4, …)"
_TERMS = "terms of the shape (batch, …) of the patch less `reach` sites at each end"

_KINDS = {"recurrent": ChainRecurrent, "raster": RasterRecurrent}


def build_network(
    settings: RecurrentNetwork | CustomNetwork,
    start: Float[np.ndarray, "*sites 4"],
    shape: tuple[int, ...],
) -> Autoregressive | EnergyNetwork:
    """The network of a configuration on a lattice, with the probabilities of its start state.

    Where these are the same on all sites, it is given those of one.

    Raises
    ------
    ConfigError
        If a raster network is asked for on a chain, or a custom one cannot be made.
    """
    by_site = tuple(map(tuple, start.reshape(-1, OUTCOMES).tolist()))
    probabilities: Start = by_site[0] if len(set(by_site)) == 1 else by_site
    if isinstance(settings, CustomNetwork):
        return _custom(settings, probabilities, shape)
    if settings.kind == "raster" and len(shape) != 2:
        raise ConfigError(
            f"`network.kind` must be recurrent on the chain or graph {shape}, but is raster."
        )
    return _KINDS[settings.kind](
        start=probabilities, shape=shape, **settings.model_dump(exclude={"kind"})
    )


def check_start(network: Autoregressive | EnergyNetwork, key: PRNGKeyArray, name: str) -> None:
    """Raise `ConfigError` if fresh parameters of a custom network are not the product start state.

    It is looked at for a few random outcomes.
    """
    if isinstance(network, EnergyNetwork):
        _check_terms(network, key, name)
    else:
        _check_conditionals(network, key, name)


def _check_conditionals(network: Autoregressive, key: PRNGKeyArray, name: str) -> None:
    """Conditionals at all sites are those of the start state."""
    sites = math.prod(network.shape)
    start = np.broadcast_to(np.array(network.start), (sites, OUTCOMES))
    outcomes = jax.random.randint(key, (sites, _OUTCOMES_CHECKED), 0, OUTCOMES, jnp.int32)
    try:
        parameters = initial_parameters(network, key)
        logarithms = all_conditionals(network, parameters, outcomes)[1]
        found = np.exp(np.asarray(logarithms))
        wanted = np.broadcast_to(start[:, :, None], (sites, OUTCOMES, _OUTCOMES_CHECKED))
        differences = np.abs(found - wanted)
    except Exception as error:  # whatever a user's network may raise
        raise _failed(name, _conditionals(network.start), error) from error
    if not differences.max() < _START_TOLERANCE:
        site, _, column = np.unravel_index(np.argmax(differences), differences.shape)
        raise ConfigError(
            f"`network` {name} must have the start state's conditionals {_listed(start[site])} "
            f"with fresh parameters, but has {_listed(found[site, :, column])} at site {site}."
        )


def _check_terms(network: EnergyNetwork, key: PRNGKeyArray, name: str) -> None:
    """A term for each inner site of a patch, all of them zero."""
    inner = tuple(range(2, 2 + len(network.shape)))
    try:
        patch = tuple(length + 2 * network.reach for length in inner)
        letters = jax.random.normal(key, (_OUTCOMES_CHECKED, *patch, LETTERS))
        found = np.asarray(network.apply(fresh_parameters(network, key), letters))
    except Exception as error:  # whatever a user's network may raise
        raise _failed(name, _TERMS, error) from error
    if found.shape != (_OUTCOMES_CHECKED, *inner):
        raise ConfigError(f"`network` {name} must have {_TERMS}, but has {found.shape}.")
    largest = np.abs(found).max()
    if not largest < _START_TOLERANCE:
        raise ConfigError(
            f"`network` {name} must be zero with fresh parameters, the start state, but is up to "
            f"{largest:.6g}."
        )


def _conditionals(start: Start) -> str:
    """What a network has to return; where sites begin in different states, how."""
    by_site = " from `self.log_start(site)`, since sites begin in different states"
    return _CONDITIONALS + (by_site if np.ndim(start) > 1 else "")


def _failed(name: str, wanted: str, error: Exception) -> ConfigError:
    """The error of a custom network whose code raised another one."""
    reason = " ".join(str(error).split())
    return ConfigError(
        f"`network` {name} must have {wanted}, but fails: {type(error).__name__}: {reason}"
    )


def _listed(probabilities: np.ndarray) -> str:
    return f"({', '.join(f'{p:.6g}' for p in probabilities)})"


def _custom(
    settings: CustomNetwork, start: Start, shape: tuple[int, ...]
) -> Autoregressive | EnergyNetwork:
    """An instance of a class from a user's file."""
    module = _load(settings)
    kind = getattr(module, settings.name, None)
    if not (isinstance(kind, type) and issubclass(kind, Autoregressive | EnergyNetwork)):
        raise ConfigError(
            f"`network.name` must be a subclass of Autoregressive or EnergyNetwork in "
            f"{settings.file}, but is {settings.name}."
        )
    energy = issubclass(kind, EnergyNetwork)
    common: dict[str, Any] = {"shape": shape} if energy else {"start": start, "shape": shape}
    try:
        options: dict[str, Any] = settings.options
        network = kind(**common, **options)
    except TypeError as error:
        raise ConfigError(
            f"`network.options` must be fields of {settings.name}: {error}"
        ) from error
    fresh: Callable[..., Any] = fresh_parameters if energy else initial_parameters
    try:
        jax.eval_shape(partial(fresh, network), jax.random.key(0))
    except Exception as error:  # whatever a user's network may raise
        wanted = _TERMS if energy else _conditionals(start)
        raise _failed(settings.name, wanted, error) from error
    return network


def _load(settings: CustomNetwork) -> ModuleType:
    """A user's file as a module; it must be the one that is part of the run's identity."""
    path = Path(settings.file or f"network {settings.name}.py")
    text = settings.source.encode() or _read(settings, path)
    if sha256(text).hexdigest() != settings.sha256:
        raise ConfigError(
            f"`network.file` must have the SHA-256 {settings.sha256[:12]}, but {path} has changed "
            "or is gone."
        )
    # Known by name, which annotations need, but by one that no real module has.
    name = f"opentdvp_custom_{sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        # Not through Python's cache, which may hold another text of the same second and size.
        exec(compile(text, path, "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:  # whatever a user's file may raise
        raise ConfigError(
            f"`network.file` must be a Python file that can be imported, but {path} fails: "
            f"{type(error).__name__}: {error}"
        ) from error
    return module


def _read(settings: CustomNetwork, path: Path) -> bytes:
    """The text of a user's file; empty if it is gone."""
    if not settings.file:
        raise ConfigError("`network.file` is required, but is missing.")
    if path.suffix != ".py":
        raise ConfigError(f"`network.file` must be a Python file, but is {path}.")
    return path.read_bytes() if path.is_file() else b""
