"""Captions of the report, as Snakemake renders them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docutils.core import publish_parts  # type: ignore[import-untyped]
from figure_settings import DYNAMICS, SAMPLED, TOLERANCE
from jinja2 import Environment, StrictUndefined
from pydantic import BaseModel
from solvers import ENUMERATION, exact, tdvp
from systems import heisenberg_ring

from opentdvp.config import AnyFigure, DiagnosticsFigure, RunsFigure, Solver

REPORT = Path(__file__).parents[2] / "workflow" / "report"
BOTH: Any = [{"system": "six", "solver": "net"}, {"system": "ten", "solver": "ref"}]


def dump(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")


def caption(name: str, solver: Solver, figure: AnyFigure = DYNAMICS) -> str:
    """A caption as Snakemake renders it, as plain text; a mistake in it raises."""
    candidate, reference = BOTH
    tree = {
        "systems": {"six": dump(heisenberg_ring(6)), "ten": dump(heisenberg_ring(10))},
        "solvers": {"net": dump(solver), "ref": dump(exact())},
        "comparisons": {
            "ring": {
                "candidate": candidate,
                "reference": reference,
                "tolerance": dump(TOLERANCE),
            }
        },
        "figures": {"fig": dump(figure)},
    }
    wildcards = SimpleNamespace(figure="fig", comparison="ring")
    snakemake = SimpleNamespace(config=tree, wildcards=wildcards)
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    source = (REPORT / name).read_text(encoding="utf-8")
    text = environment.from_string(source).render(snakemake=snakemake)
    strict = {"halt_level": 2, "report_level": 2}
    publish_parts(text, writer="html", settings_overrides=strict)
    return " ".join(text.split())


@pytest.mark.parametrize("name", ["figure.rst", "comparison.rst"])
def test_captions_state_settings_and_reference(name: str) -> None:
    text = caption(name, SAMPLED)
    for phrase in (
        "method ``exact`` (``ref``), for 10 sites"
        if name == "figure.rst"
        else "method ``exact`` (``ref``) for 10 sites",
        "width 8, depth 2",
        "(orbit): all",
        "4096 for the solve, 1024 held out, 20000 for the observables",
        "eigenvalues 1e-08, signal to noise 0.0",
        "Fisher norm: 0.01",
        "POVM orientation: cubic",
        "0.05 for magnetizations",
        "0.02 for correlators",
        "our choice",
    ):
        assert phrase in text, phrase


@pytest.mark.parametrize("name", ["figure.rst", "comparison.rst"])
def test_captions_of_runs_without_samples(name: str) -> None:
    assert "all outcomes are enumerated" in caption(name, tdvp(sampling=ENUMERATION))
    assert "relative_tolerance: 1e-09." in caption(name, exact())


def test_caption_of_several_runs_names_them_and_their_sources() -> None:
    published = {"label": "N = 32", "source": "Fig. 3a, digitised", "times": [1], "values": [0.5]}
    keys = {"kind": "runs", "time_label": "t", "observable": "Z", "runs": BOTH}
    figure = RunsFigure.model_validate(keys | {"published": [published]})
    text = caption("figure.rst", tdvp(), figure)
    assert "Open marks, N = 32: Fig. 3a, digitised." in text
    assert "System ``six``, solver ``net``: chunk: 64;" in text
    assert "System ``ten``, solver ``ref``: absolute_tolerance: 1e-11; method: exact;" in text


def test_caption_of_diagnostics_names_them() -> None:
    keys = {"kind": "diagnostics", "time_label": "t", "diagnostics": ["residual"], "runs": BOTH}
    text = caption("figure.rst", tdvp(), DiagnosticsFigure.model_validate(keys))
    assert "logarithmic scale: residual." in text
    assert "System ``ten``" in text
