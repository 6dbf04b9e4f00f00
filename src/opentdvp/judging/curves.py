"""Names and tolerances of single curves, by observable and distance."""

from opentdvp.config.comparison import Tolerance


def allowed(tolerance: Tolerance, observable: str) -> float:
    """Tolerance of a curve: that of correlators if its name is that of one."""
    return tolerance.correlators if observable.startswith("C_") else tolerance.magnetization


def describe(key: tuple[str, int]) -> str:
    """Name of a curve in messages."""
    name, distance = key
    return f"{name} at distance {distance}" if distance else name
