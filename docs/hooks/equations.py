"""Equations as MathML, which browsers draw and screen readers read, without a script."""

import html
import re

from latex2mathml.converter import convert

#: What pymdownx.arithmatex leaves of an equation: in the line, or on lines of its own.
INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
BLOCK = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.DOTALL)


def on_page_content(content: str, **_: object) -> str:
    """Replace equations in TeX by MathML, with the TeX as their alternative text."""
    content = BLOCK.sub(lambda found: _mathml(found[1], "block"), content)
    return INLINE.sub(lambda found: _mathml(found[1], "inline"), content)


def _mathml(tex: str, display: str) -> str:
    tex = html.unescape(tex).strip()
    drawn = convert(tex, display=display)
    return drawn.replace("<math ", f'<math alttext="{html.escape(tex)}" ', 1)
