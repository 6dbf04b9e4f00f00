"""Equations as MathML, which browsers draw and screen readers read, without a script."""

import html
import re
from importlib.resources import files as resources
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

#: What pymdownx.arithmatex leaves of an equation: in the line, or on lines of its own.
INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
BLOCK = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the font, since many machines have none that can draw equations."""
    font = Path(str(resources("ziamath.fonts"))) / "STIXTwoMath-Regular.ttf"
    files.append(File.generated(config, "fonts/math.ttf", content=font.read_bytes()))
    return files


def on_page_content(content: str, **_: object) -> str:
    """Replace equations in TeX by MathML, with the TeX as their alternative text."""
    content = BLOCK.sub(lambda found: _mathml(found[1], "block"), content)
    return INLINE.sub(lambda found: _mathml(found[1], "inline"), content)


def _mathml(tex: str, display: str) -> str:
    tex = html.unescape(tex).strip()
    drawn = convert(tex, display=display)
    return drawn.replace("<math ", f'<math alttext="{html.escape(tex)}" ', 1)
