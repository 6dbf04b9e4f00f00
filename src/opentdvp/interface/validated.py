"""Models of the configuration that are made by keywords, with errors in our words."""

from typing import Any

import numpy as np
from pydantic import ValidationError

from opentdvp.config.base import StrictModel
from opentdvp.config.messages import explain, one_line, sentences
from opentdvp.errors import ConfigError


class Validated(StrictModel):
    """A model that equals another one with the same keys, whichever of the two was made how."""

    def __init__(self, /, **keys: Any) -> None:
        """Validate the keys; raises `ConfigError`, which names every key that is wrong."""
        given = {key: plain(value) for key, value in keys.items()}
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise ConfigError(one_line(sentences(explain(error, given)))) from None

    def __eq__(self, other: object) -> bool:
        # One of a configuration file is of the base class.
        return isinstance(other, StrictModel) and self.model_dump() == other.model_dump()

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


def plain(value: Any) -> Any:
    """Arrays and numbers of NumPy as lists and numbers of Python, in lists and mappings as well."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(inside) for key, inside in value.items()}
    return type(value)(map(plain, value)) if type(value) in (list, tuple) else value
