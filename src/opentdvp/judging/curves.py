"""Names and tolerances of single curves, by observable and distance."""

from opentdvp.config.comparison import Tolerance


def allowed(tolerance: Tolerance, distance: int) -> float:
    """Tolerance of a curve at a distance, which is 0 for magnetisations."""
    return tolerance.correlators if distance else tolerance.magnetization


def describe(key: tuple[str, int]) -> str:
    """Name of a curve in messages."""
    name, distance = key
    return f"{name} at distance {distance}" if distance else name
