"""Labels that a configuration gives to figures: what matplotlib cannot draw is told before."""

from collections.abc import Iterator
from functools import cache

from matplotlib.cbook import is_math_text
from matplotlib.font_manager import findfont, get_font
from matplotlib.mathtext import MathTextParser
from pydantic import BaseModel

from opentdvp.errors import ConfigError
from opentdvp.figures import style


def check_labels(key: str, model: BaseModel) -> None:
    """Check all labels of a figure or of a published series, whose key is `key`.

    Raises
    ------
    ConfigError
        If a label has TeX that cannot be read, or a character that no font of the figures has.
    """
    for place, label in _labels(key, model.model_dump()):
        reason = _reason(label)
        if reason:
            raise ConfigError(f"`{place}` must be text with TeX in pairs of $, but {reason}.")


def _labels(key: str, tree: object, named: bool = False) -> Iterator[tuple[str, str]]:
    """Key and text of all that is called a label."""
    if isinstance(tree, dict):
        for name, branch in tree.items():
            yield from _labels(f"{key}.{name}", branch, "label" in name)
    elif isinstance(tree, list | tuple):
        for number, branch in enumerate(tree):
            yield from _labels(f"{key}.{number}", branch, named)
    elif named and isinstance(tree, str):
        yield key, tree


def _reason(label: str) -> str:
    """What is wrong with a label, if anything is; lines are read one by one, as matplotlib does."""
    foreign = sorted({c for c in label if ord(c) not in _characters() and c != "\n"})
    if foreign:
        return f"{label!r} has {', '.join(map(repr, foreign))}, which the fonts of figures lack"
    for line in label.split("\n"):
        if not _is_readable(line):
            return f"{label!r} has TeX that matplotlib cannot read"
    return ""


def _is_readable(line: str) -> bool:
    try:
        with style.context():
            if is_math_text(line):
                MathTextParser("path").parse(line)
    except ValueError:
        return False
    return True


@cache
def _characters() -> frozenset[int]:
    """Code points of all characters that the fonts of figures have."""
    fonts = [get_font(findfont(name)) for name in style.FONTS]
    return frozenset(code for font in fonts for code in font.get_charmap())
