"""Whether Matplotlib can read the TeX of labels, before anything is run."""

from collections.abc import Iterator

from matplotlib.mathtext import MathTextParser

from opentdvp.config import Study
from opentdvp.errors import ConfigError


def check_labels(study: Study) -> None:
    """Try the text of all labels of figures and published series.

    Raises
    ------
    ConfigError
        If the TeX of one is not valid.
    """
    parser = MathTextParser("path")
    tree = study.model_dump(include={"figures", "published"})
    for key, text in _labels("", tree):
        try:
            parser.parse(text)
        except ValueError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ConfigError(f"`{key}` must have valid TeX, but is {text!r}: {reason}.") from error


def _labels(key: str, value: object, is_label: bool = False) -> Iterator[tuple[str, str]]:
    """Keys and text of all keys that end in `label` or `labels`."""
    if isinstance(value, dict):
        for name, inside in value.items():
            yield from _labels(f"{key}.{name}", inside, name.endswith(("label", "labels")))
    elif isinstance(value, list | tuple):
        for number, inside in enumerate(value):
            yield from _labels(f"{key}.{number}", inside, is_label)
    elif is_label and isinstance(value, str):
        yield key.lstrip("."), value
