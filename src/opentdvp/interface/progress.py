"""How far a run has come: a bar in a notebook or a terminal, lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from opentdvp.protocol import Report, show_nothing
from opentdvp.running.progress import reporting

#: Seconds between two drawings of the bar in a notebook, and its width in characters.
_INTERVAL, _WIDTH = 0.5, 100


@contextmanager
def shown(stop: float, wanted: bool) -> Iterator[Report]:
    """A report of a run that ends at the simulated time `stop`, if it is wanted."""
    console = Console(stderr=True)
    if not wanted:
        yield show_nothing
    elif console.is_jupyter:
        bar = _NotebookBar(stop)
        try:
            yield bar
        finally:
            bar.draw()
    else:
        with reporting(stop, console, None) as report:
            yield report


class _NotebookBar:
    """Rich's bar as HTML in the output of a cell; it needs no widgets."""

    def __init__(self, stop: float) -> None:
        from IPython.display import display

        columns = (
            TextColumn("time"),
            BarColumn(),
            TextColumn("{task.completed:.3f}/{task.total:g}{task.fields[details]}"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=Console(file=StringIO()), auto_refresh=False)
        self._task = self._bar.add_task("time", total=stop, details="")
        self._drawn = 0.0
        self._handle: Any = display(self._html(), raw=True, display_id=True)

    def __call__(self, time: float, **values: float) -> None:
        """Show simulated time, and whatever else the solver tells."""
        details = "".join(f"  {name} {value:.3g}" for name, value in values.items())
        self._bar.update(self._task, completed=time, details=details)
        self.draw(_INTERVAL)

    def draw(self, interval: float = 0.0) -> None:
        """Draw the bar anew, unless that was done within an interval."""
        if time.monotonic() - self._drawn >= interval:
            self._drawn = time.monotonic()
            self._handle.update(self._html(), raw=True)

    def _html(self) -> dict[str, str]:
        canvas = Console(
            record=True, file=StringIO(), width=_WIDTH, force_terminal=True, force_jupyter=False
        )
        canvas.print(self._bar.get_renderable())
        code = "<pre style='margin:0'>{code}</pre>"
        html = canvas.export_html(inline_styles=True, code_format=code)
        return {"text/html": html, "text/plain": canvas.export_text()}
