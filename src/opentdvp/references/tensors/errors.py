"""Errors of a chain of tensors: what a smaller bond dimension and longer time steps change."""

from collections.abc import Mapping

import numpy as np

from opentdvp.records.checkpoint import Records


def with_errors(
    outputs: Records,
    diagnostics: Records,
    coarse: Mapping[str, np.ndarray],
    half: Mapping[str, np.ndarray],
) -> tuple[Records, Records]:
    """Observables with errors, and diagnostics with the largest of them.

    Parameters
    ----------
    outputs, diagnostics
        Of the evolution that is asked for, by output time.
    coarse, half
        Observables of those with half the bond dimension, with time steps twice as long and not.
    """
    observed, seen = [], []
    for k, (found, record) in enumerate(zip(outputs, diagnostics, strict=True)):
        by_bond = {name: np.abs(mean - half[name][k]) for name, mean in found.items()}
        by_step = {name: np.abs(half[name][k] - coarse[name][k]) for name in found}
        errors = {f"{name}.stderr": np.asarray(by_bond[name] + by_step[name]) for name in found}
        observed.append({**found, **errors})
        largest = {
            "bond_dimension_error": np.asarray(np.max([np.max(e) for e in by_bond.values()])),
            "time_step_error": np.asarray(np.max([np.max(e) for e in by_step.values()])),
        }
        seen.append({**record, **largest})
    return tuple(observed), tuple(seen)
