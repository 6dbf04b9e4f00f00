"""Jump operators: a name, an expression of names such as `sigma_minus sigma_plus`, or a matrix."""

import re
from contextlib import suppress
from math import hypot
from typing import Annotated, Any, Literal, get_args

import numpy as np
from pydantic import BeforeValidator, WithJsonSchema

from opentdvp.config.base import LARGEST, LONGEST, one_of

OperatorName = Literal["sigma_minus", "sigma_plus", "X", "Y", "Z"]

#: In an expression a site may be left as it is, too.
IDENTITY = "I"

# Complex entries are written as numbers or as strings such as "0.5-2j".
Complex = Annotated[complex, WithJsonSchema({"type": ["number", "string"]})]
Matrix = tuple[tuple[Complex, ...], ...]

_FACTOR = re.compile(r"[0-9.]+(?:e[+-]?[0-9]+)?[ij]?|[ij]", re.ASCII)


def _check_operator(value: object) -> object:
    """One clear error instead of one per member of the union."""
    if isinstance(value, str):
        if value not in get_args(OperatorName):
            products(value)
        return value
    shape = np.shape(np.array(value, dtype=object))
    if shape not in ((2, 2), (4, 4)):
        given = f"has the shape {shape}" if shape else f"is {str(value)[:80]}"
        raise ValueError(f"must be a name, an expression or a 2×2 or 4×4 matrix, but {given}")
    matrix = tuple(tuple(_complex(entry) for entry in row) for row in value)  # type: ignore[attr-defined]
    if not any(map(any, matrix)):
        raise ValueError("must not be zero everywhere, but is (leave the jump out)")
    return matrix


def _complex(entry: object) -> complex:
    """A number, or one that is written as `0.5-2j`, with i or j, and spaces around the sign."""
    number = complex("inf")
    with suppress(ValueError, OverflowError):
        if isinstance(entry, str) and re.fullmatch(r"[0-9.eEij+\- ]+", entry):
            number = complex(re.sub(" *([+-]) *", r"\1", entry.strip().replace("i", "j")))
        elif isinstance(entry, int | float | complex) and not isinstance(entry, bool):
            number = complex(entry)
    if not hypot(number.real, number.imag) <= LARGEST:  # NaN is not, either
        raise ValueError(
            f'must hold finite numbers such as 2, 0.5, "1j" or "0.5-2j", but holds {entry!r}'
        )
    return number


def products(text: str) -> list[tuple[complex, tuple[str, ...]]]:
    """The terms of an expression: coefficient, and names of the operators on each site.

    `X X + 0.5j sigma_minus I` has two: names for one site after the other, with spaces between
    them, after an optional number.

    Raises
    ------
    ValueError
        If it is none, has terms for different numbers of sites, or for more than two.
    """
    if len(text) > LONGEST * 10:
        raise ValueError(f"must have at most {LONGEST * 10} characters")
    # A sign is one of a term where white space or nothing stands before it.
    signs = re.findall(r"(?:^|(?<=\s))([+-])\s*", text)
    terms = [part.split() for part in re.split(r"(?:^|(?<=\s))[+-]\s*", text.strip())]
    if terms and not terms[0] and signs:
        terms = terms[1:]
    else:
        signs = ["+", *signs]
    found = [_product(words, -1 if s == "-" else 1) for words, s in zip(terms, signs, strict=True)]
    counts = {len(names) for _, names in found}
    if len(counts) != 1 or not counts <= {1, 2}:
        raise ValueError(
            "must have terms of one operator each, or of two, one for each of two sites, "
            f"but is {text!r}"
        )
    return found


def _product(words: list[str], sign: int) -> tuple[complex, tuple[str, ...]]:
    factor = complex(sign)
    if words and _FACTOR.fullmatch(words[0]):
        number = words[0].replace("i", "j")
        factor *= _complex("1j" if number == "j" else number)
        words = words[1:]
    known = (*get_args(OperatorName), IDENTITY)
    for word in words:
        if word not in known:
            raise ValueError(one_of(word, [*known, "an expression of them", "a 2×2 matrix"]))
    return factor, tuple(words)


#: Of one site or of two.
JumpOperator = Annotated[
    str | Matrix,
    BeforeValidator(_check_operator),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "minItems": 2}]}),
]


def sites_of(operator: Any) -> int:
    """On how many sites an operator acts."""
    if isinstance(operator, str):
        return len(products(operator)[0][1])
    return 1 if len(operator) == 2 else 2
