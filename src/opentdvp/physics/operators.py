"""Matrices of the jump operators that a configuration writes."""

from functools import reduce
from typing import Any

import numpy as np
from jaxtyping import Complex

from opentdvp.config.operators import IDENTITY, products
from opentdvp.physics.spin import PAULI, SITE_OPERATORS

_FACTORS = SITE_OPERATORS | {IDENTITY: PAULI["I"]}


def operator_matrix(operator: Any) -> Complex[np.ndarray, "n n"]:
    """The matrix of a jump operator on one site or two, the first site leading.

    `sigma_minus sigma_plus` is σ⁻ on the first site times σ⁺ on the second; terms are added.
    """
    if not isinstance(operator, str):
        return np.array(operator)
    if operator in SITE_OPERATORS:
        return SITE_OPERATORS[operator]
    return sum(  # type: ignore[return-value]
        factor * reduce(np.kron, [_FACTORS[name] for name in names])
        for factor, names in products(operator)
    )
