"""Captions of the report, as Snakemake renders them."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from docutils.core import publish_parts  # type: ignore[import-untyped]
from figure_settings import COMPARISON, DYNAMICS, NET, REF, SAMPLED
from jinja2 import Environment, StrictUndefined
from pydantic import BaseModel, TypeAdapter
from solvers import ENUMERATION, exact, tdvp
from systems import heisenberg_ring

from opentdvp.config import AnyFigure, Inset, RunsFigure, Solver
from opentdvp.config.scan import Scan

REPORT = Path(__file__).parents[2] / "workflow" / "report"
PUBLISHED = {"label": "N = 32", "source": "Fig. 3a, digitised", "uncertainty": 0.005}


def dump(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")


def caption(
    name: str,
    solver: Solver,
    figure: AnyFigure = DYNAMICS,
    copies: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """A caption as Snakemake renders it, as plain text; a mistake in it raises.

    `copies` are files of the archive by solver.
    """
    tree = {
        "systems": {"six": dump(heisenberg_ring(6)), "ten": dump(heisenberg_ring(10))},
        "solvers": {"net": dump(solver), "ref": dump(exact()), "size_one": dump(solver)},
        "comparisons": {"ring": dump(COMPARISON)},
        "published": {"other": PUBLISHED},
        "figures": {"fig": dump(figure)},
    }
    wildcards = SimpleNamespace(figure="fig", comparison="ring")
    scans = {"size": Scan(**COMPARISON.model_dump(), vary={"seed": {"one": 1}})}
    runs = dict.fromkeys(run for run, _ in figure.demands({"ring": COMPARISON}, scans))
    params = SimpleNamespace(
        runs=[(run.system, run.solver, copies.get(run.solver, "")) for run in runs],
        copies={"reference": copies["ref"]} if copies else {},
    )
    snakemake = SimpleNamespace(config=tree, wildcards=wildcards, params=params)
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    source = (REPORT / name).read_text(encoding="utf-8")
    text = environment.from_string(source).render(snakemake=snakemake)
    strict = {"halt_level": 2, "report_level": 2}
    publish_parts(text, writer="html", settings_overrides=strict)
    return " ".join(text.split())


def test_caption_of_a_comparison_states_settings_and_reference() -> None:
    text = caption("comparison.rst", SAMPLED)
    for phrase in (
        "method ``exact`` (``ref``) for 10 sites",
        "width 8, depth 2",
        "(orbit): all",
        "4096 for the solve, 1024 held out, 20000 for the observables",
        "method eigenvalues, eigenvalue cutoff 1e-08, signal to noise cutoff 0.0.",
        "Fisher norm: 0.01",
        "POVM orientation: cubic",
        "0.05 for magnetisations",
        "0.02 for correlators",
        "our choice",
    ):
        assert phrase in text, phrase


def test_caption_of_a_comparison_with_another_solve_states_its_settings() -> None:
    """Those that it has: it has no cutoffs."""
    shifted = tdvp(regularization={"method": "cholesky", "shift": 1e-6})
    assert "normal equations: method cholesky, shift 1e-06." in caption("comparison.rst", shifted)


def test_captions_of_comparisons_without_samples() -> None:
    assert "all outcomes are enumerated" in caption("comparison.rst", tdvp(sampling=ENUMERATION))
    assert "relative tolerance: 1e-09." in caption("comparison.rst", exact())


def test_caption_of_dynamics_names_panels_judges_and_settings() -> None:
    text = caption("figure.rst", SAMPLED)
    for phrase in (
        "(a) site-averaged magnetisations X, Y, Z of ``six`` (6 sites) by ``net``",
        "(b) site-averaged connected correlators XX, YY, ZZ at distance 2 along x of ``six``",
        "judged by ``ref`` for ``ten`` (10 sites)",
        "0.05 for magnetisations and 0.02 for correlators",
        "System ``six``, solver ``net``: chunk: 64;",
        "σ is the sampling error of the observables alone",
        "Δ = candidate − reference, in absolute units always",
        "our choice",
    ):
        assert phrase in text, phrase


def test_captions_print_settings_in_words() -> None:
    """Those with settings of their own in brackets, none as a Python dictionary."""
    kernels = {"kind": "convolution", "kernels": [3, 5], "channels": 4}
    network = kernels | {"activation": "tanh", "hidden_scale": 0.7}
    chains = {"kind": "chains", "solve": 64, "held_out": 8, "observables": 100, "sweeps": 2}
    keys = {"orbit": None, "forgetting_bound": None, "sampling": chains}
    sampled = tdvp(network=network, **keys)
    text = caption("figure.rst", sampled)
    assert "integrator: (fisher tolerance" in text
    assert "kernels 3, 5, kind convolution)" in text
    assert "forgetting bound: none;" in text
    text += caption("comparison.rst", sampled)
    assert "Samples: kind chains, solve 64, held out 8, observables 100, sweeps 2" in text
    assert "kernels 3, 5" in text
    for code in ("{", "}", "': ", "[", "None"):
        assert code not in text


def test_caption_of_dynamics_tells_of_its_inset() -> None:
    inset = Inset(comparison="ring", magnetization=("X",))
    panel = DYNAMICS.panels[0].model_copy(update={"inset": inset})
    text = caption("figure.rst", SAMPLED, DYNAMICS.model_copy(update={"panels": (panel,)}))
    assert "(a), inset: other runs of both, which stop early" in text
    assert "inset" not in caption("figure.rst", SAMPLED)


def test_caption_of_several_runs_names_them_and_their_sources() -> None:
    figure = RunsFigure(
        kind="runs", time_label="t", observable="Z", runs=(NET, REF), published=("other",)
    )
    text = caption("figure.rst", tdvp(), figure)
    assert "Open marks, N = 32: Fig. 3a, digitised, read off within ± 0.005." in text
    assert "System ``six``, solver ``net``: chunk: 64;" in text
    assert "System ``ten``, solver ``ref``: absolute tolerance: 1e-11; method: exact;" in text


def test_captions_say_what_is_from_the_archive() -> None:
    copies = {"ref": "old/runs/a/b.h5"}
    text = caption("figure.rst", SAMPLED, copies=copies)
    assert (
        "System ``ten``, solver ``ref``, from the archive, not computed here (a copy of "
        "``old/runs/a/b.h5``): absolute tolerance: 1e-11;"
    ) in text
    assert "System ``six``, solver ``net``: chunk: 64;" in text
    text = caption("comparison.rst", SAMPLED, copies=copies)
    assert "The reference is from the archive, not computed here: a copy of ``old/" in text
    for name in ("figure.rst", "comparison.rst"):
        assert "archive" not in caption(name, SAMPLED)


LABELLED = {"run": {"system": "six", "solver": "net"}, "label": "N = 6"}
TIME = {"time_label": "t"}


@pytest.mark.parametrize(
    ("keys", "phrase"),
    [
        (
            {"kind": "diagnostics", "diagnostics": ["residual"], "runs": [NET], **TIME},
            "logarithmic scale: residual.",
        ),
        (
            {
                "kind": "heatmap",
                "pair": "ZZ",
                "largest_distance": 2,
                "rows": [LABELLED],
                "range": [0.002, 0.3],
                "lines": [8.5],
                "cone": 0.9,
                "difference": "ring",
                **TIME,
            },
            "Lines at distances ± 8.5. Dashed: the light cone d = 0.9 t. Last row: Δ = candidate − "
            "reference of the comparison ``ring``.",
        ),
        (
            {
                "kind": "front",
                "pair": "ZZ",
                "first_distance": 2,
                "threshold": 0.01,
                "rows": [LABELLED],
                "published": ["other"],
                **TIME,
            },
            "first reaches 0.01 there, from d = 2 on",
        ),
        (
            {
                "kind": "heatmap",
                "pair": "ZZ",
                "largest_distance": 2,
                "rows": [LABELLED],
                "range": [0.002, 0.3],
                "front": {"first_distance": 1, "threshold": 0.01},
                **TIME,
            },
            "Marks: the front, where the correlator first reaches 0.01",
        ),
        (
            {
                "kind": "scan",
                "scan": "size",
                "varied": "seed",
                "axis_label": "seed",
                "correlators": {"pairs": ["XX"], "distance": 1},
            },
            "(of two runs, from one value to the other)",
        ),
        ({"kind": "costs", "panels": {"2a, b": REF}}, "References: - 2a, b: ``ten`` by ``ref``."),
        ({"kind": "scheme", "povm": "cubic"}, "tetrahedron drawn (cubic orientation)"),
    ],
)
def test_captions_of_other_kinds(keys: dict[str, Any], phrase: str) -> None:
    figure: AnyFigure = TypeAdapter(AnyFigure).validate_python(keys)
    assert phrase in caption("figure.rst", tdvp(), figure)
