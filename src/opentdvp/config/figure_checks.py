"""Whether figures fit the runs, scans and published series that they show; else `ValueError`."""

from collections.abc import Mapping

from opentdvp.config.base import check_name
from opentdvp.config.comparison import Comparison
from opentdvp.config.derived_figures import ScanFigure
from opentdvp.config.figures import DynamicsFigure
from opentdvp.config.scan import Scan


def check_series(key: str, name: str, observable: str, wanted: tuple[str, ...]) -> None:
    """A published series is of one of the wanted observables."""
    if observable not in wanted:
        raise ValueError(
            f"`{key}.published` must be series of {', '.join(wanted)}, but {name} is one of "
            f"{observable}"
        )


def check_panel_references(
    key: str, figure: DynamicsFigure, comparisons: Mapping[str, Comparison]
) -> None:
    """Curves that have their colour by observable are all of one system."""
    for number, panel in enumerate(figure.panels):
        references = {comparisons[name].reference for name in panel.comparisons}
        if len(panel.curves) > 1 and len(references) > 1:
            raise ValueError(
                f"`{key}.panels.{number}.comparisons` must have one reference, since each "
                f"draws {len(panel.curves)} curves, but have {len(references)}"
            )


def check_scan(key: str, figure: ScanFigure, scan: Scan) -> None:
    """What a figure shows of a scan is varied there."""
    for field in ("varied", "lines"):
        chosen = getattr(figure, field)
        if chosen is not None:
            check_name(f"{key}.{field}", chosen, scan.vary)
