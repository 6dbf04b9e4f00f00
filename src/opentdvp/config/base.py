"""What every configuration model shares: strict keys, numbers and names, and words for errors."""

import math
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any, NoReturn

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)
from pydantic_core import PydanticCustomError

#: Pauli matrices by the names that they have in many other programs.
_PAULI = re.compile(r"(?:sigma|pauli)_?([xyz])", re.IGNORECASE)


def one_of(value: object, known: Iterable[str]) -> str:
    """What to say of a value that is none of the `known` ones."""
    names = list(known)
    listed = ", ".join(names[:20]) + (", …" if len(names) > 20 else "") or "none"
    return f"must be one of {listed}, but is {str(value)[:100]}{did_you_mean(value, names)}"


def did_you_mean(value: object, known: Iterable[str]) -> str:
    """The most similar of the `known` names, in brackets, if there is one.

    The Pauli matrix sigma_z is Z here, and not the most similar sigma_plus.
    """
    word, names = str(value)[:100], list(known)
    pauli = _PAULI.fullmatch(word)
    meant = word if pauli is None else pauli[1]
    same = [name for name in names if name.lower() == meant.lower()]
    close = same or get_close_matches(word, names, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def is_missing(value: object) -> bool:
    """Whether a key is left out: decks from before it was known have none."""
    return value is None


def check_name(key: str, name: str, known: Iterable[str]) -> None:
    """Raise `ValueError` if a key names what is not there."""
    names = list(known)
    if name not in names:
        raise ValueError(f"`{key}` {one_of(name, names)}")


class StrictModel(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, keys: Any) -> Any:
        known = cls.model_fields
        for key in keys if isinstance(keys, dict) else ():
            if key not in known:
                hint = did_you_mean(key, known) or f" (known are {', '.join(known)})"
                raise PydanticCustomError("unknown_key", "{hint}", {"key": key, "hint": hint})
        return keys


def _refuse(self: object, *args: object, **keys: object) -> NoReturn:
    raise TypeError("What a configuration holds must not be changed; make a new one.")


class FrozenDict(dict[Any, Any]):
    """A mapping that cannot be changed: what was validated stays valid, and keeps its run id."""

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


class FrozenList(list[Any]):
    """A list that cannot be changed."""

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenList, (list(self),)


def frozen(value: Any) -> Any:
    """Mappings and lists, and those in them, in a form that cannot be changed."""
    if isinstance(value, dict):
        return FrozenDict({key: frozen(inside) for key, inside in value.items()})
    return FrozenList(map(frozen, value)) if isinstance(value, list) else value


def _whole(value: object) -> object:
    """1e5 is a whole number, though YAML and JSON read it as a float."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < LARGEST
    return int(value) if whole else value  # type: ignore[call-overload]


def _not_tiny(value: float) -> float:
    if value < SMALLEST:
        raise ValueError(f"must be at least {SMALLEST:g}, but is {value:g}")
    return value


def _finite(value: JsonValue) -> JsonValue:
    """Numbers anywhere in lists and mappings are finite."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"must be finite, but is or holds {value}")
    inside = list(value.values()) if isinstance(value, dict) else value
    for entry in inside if isinstance(inside, list) else ():
        _finite(entry)
    return value


def _check_tex(text: str) -> str:
    """Matplotlib would draw the dollar sign, and leave the rest of the text as it is."""
    if text.replace(r"\$", "").count("$") % 2:
        raise ValueError(f"must close every $ of its TeX, but is {text!r}")
    return text


#: Nothing that is measured in units of the model is beyond these; their squares are still numbers.
LARGEST, SMALLEST = 1e15, 1e-30

#: Characters of a name; names are parts of file names.
LONGEST = 100

#: What text must look like, by its pattern, for errors.
PATTERNS: dict[str, str] = {}


def pattern(regex: str, meaning: str) -> Any:
    """A `Field` for text of a pattern; errors say the meaning instead."""
    PATTERNS[regex] = meaning
    return Field(pattern=regex, max_length=LONGEST)


Name = Annotated[
    str, pattern(r"^[A-Za-z][A-Za-z0-9_]*$", "a name of letters, digits and _, a letter first")
]
#: Of a row in tables, which are Markdown too.
Label = Annotated[
    str, pattern(r"^[^|\s]+( [^|\s]+)*$", "words with single spaces between them and without |")
]
#: Whatever a user's own network, or a scan, may be given.
Json = Annotated[JsonValue, AfterValidator(_finite)]
#: Text in figures, with TeX between dollar signs.
Text = Annotated[str, AfterValidator(_check_tex)]

Real = Annotated[float, Field(ge=-LARGEST, le=LARGEST, strict=True, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, le=LARGEST, strict=True, allow_inf_nan=False)]
Positive = Annotated[
    float,
    Field(gt=0, le=LARGEST, strict=True, allow_inf_nan=False),
    AfterValidator(_not_tiny),
]

WHOLE = BeforeValidator(_whole)
NonNegativeInt = Annotated[int, Field(ge=0, le=10**9, strict=True), WHOLE]
PositiveInt = Annotated[int, Field(ge=1, le=10**9, strict=True), WHOLE]
Several = Annotated[int, Field(ge=2, le=10**9, strict=True), WHOLE]
Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True), WHOLE]
#: Of a mapping in a model.
FROZEN = AfterValidator(frozen)
#: Of a whole, neither none nor all.
Share = Annotated[float, Field(gt=0, lt=1, strict=True)]
