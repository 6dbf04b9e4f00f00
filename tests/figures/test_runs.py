"""What figures of several runs show: curves, differences from the last run, errors, diagnostics."""

from dataclasses import replace

import numpy as np
import pytest
from trajectories import damped

from opentdvp.config import DiagnosticsFigure, Published, Run, RunsFigure
from opentdvp.errors import ConfigError
from opentdvp.figures import diagnostics, draw_to_files, runs
from opentdvp.figures.sources import Material
from opentdvp.records.trajectory import Trajectory

NAMES = (Run(system="a", solver="x"), Run(system="b", solver="x"))
PUBLISHED = Published(
    label="N = 32",
    source="digitised",
    observable="Z",
    uncertainty=0.005,
    times=(1.0, 2.0),
    values=(0, 0.5),
)
FIGURE = RunsFigure(kind="runs", time_label="t", observable="Z", runs=NAMES, published=("other",))
NOISY, EXACT = damped(61, error=0.01, seed=3), damped(121)


def material(*runs: Trajectory) -> Material:
    return Material(dict(zip(NAMES, runs, strict=True)), published={"other": PUBLISHED})


def test_curves_and_published_values_are_drawn_as_they_are():
    drawn = runs.draw(FIGURE, material(NOISY, EXACT))
    upper, _, _ = drawn.axes
    first, second, marks = upper.lines
    np.testing.assert_array_equal(first.get_ydata(), NOISY.observables["Z"].mean)
    np.testing.assert_array_equal(second.get_ydata(), EXACT.observables["Z"].mean)
    np.testing.assert_array_equal(marks.get_xydata(), [[1, 0], [2, 0.5]])
    labels = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert labels == ["ring $N = 6$, exact"] * 2 + ["N = 32"]


def test_labels_stand_in_for_names():
    figure = FIGURE.model_copy(update={"labels": ("one", "two")})
    drawn = runs.draw(figure, material(NOISY, EXACT))
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["one", "two", "N = 32"]
    assert drawn.axes[1].get_ylabel() == r"$\langle Z \rangle$ − two"


def test_panels_of_diagnostics_are_named_by_labels():
    keys = {"kind": "diagnostics", "time_label": "t", "diagnostics": ["residual"], "runs": NAMES}
    run = damped(diagnostics={"time": np.arange(1.0, 3), "residual": np.ones(2)})
    for labels, titles in (((), ["ring $N = 6$, exact"] * 2), (("one", "two"), ["one", "two"])):
        figure = DiagnosticsFigure.model_validate(keys | {"labels": labels})
        panels = diagnostics.draw(figure, material(run, run)).axes
        assert [axes.get_title(loc="left") for axes in panels] == titles


def test_linear_diagnostics_are_in_a_panel_below():
    keys = {"kind": "diagnostics", "time_label": "t", "runs": NAMES, "labels": ("one", "two")}
    shown = {"diagnostics": ["lag"], "linear": ["acceptance", "nested_r_hat"]}
    values = {"lag": [-1.0, 0.1], "acceptance": [0, 0.7], "nested_r_hat": [1.2, 1.0]}
    run = damped(
        diagnostics={"time": np.arange(2.0), **{k: np.array(v) for k, v in values.items()}}
    )
    drawn = diagnostics.draw(DiagnosticsFigure.model_validate(keys | shown), material(run, run))
    upper, other, lower, _ = drawn.axes
    assert [axes.get_yscale() for axes in drawn.axes] == ["log", "log", "linear", "linear"]
    assert [axes.get_title(loc="left") for axes in drawn.axes] == ["one", "two", "", ""]
    np.testing.assert_array_equal(upper.lines[0].get_ydata(), [np.nan, 0.1])
    np.testing.assert_array_equal(other.lines[0].get_ydata(), [np.nan, 0.1])
    found = [line.get_ydata().tolist() for line in lower.lines]
    assert found == [values["acceptance"], values["nested_r_hat"]]
    labels = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert labels == ["lag", "acceptance", "nested r hat"]


def test_middle_panel_subtracts_the_last_run():
    _, middle, _ = runs.draw(FIGURE, material(NOISY, EXACT)).axes
    first, second, marks = middle.lines
    every_second = EXACT.observables["Z"].mean[::2]
    expected = NOISY.observables["Z"].mean - every_second
    np.testing.assert_allclose(first.get_ydata(), expected, atol=1e-12)
    np.testing.assert_array_equal(second.get_ydata(), 0)
    at = np.interp([1.0, 2.0], EXACT.times, EXACT.observables["Z"].mean)
    np.testing.assert_allclose(marks.get_ydata(), [0 - at[0], 0.5 - at[1]])


def test_nothing_is_subtracted_beyond_the_last_run():
    """Between its times by a cubic spline; after the last one nothing is known."""
    early = damped(61)
    keep = {
        name: replace(o, mean=o.mean[:31:3], stderr=o.stderr[:31:3])
        for name, o in early.observables.items()
    }
    early = replace(early, times=early.times[:31:3], observables=keep)
    upper, middle, _ = runs.draw(FIGURE, material(EXACT, early)).axes
    left = np.asarray(middle.lines[0].get_ydata())
    beyond = EXACT.times > early.times[-1]
    assert np.isnan(left[beyond]).all()
    straight = np.interp(EXACT.times, early.times, early.observables["Z"].mean)
    off = np.abs(EXACT.observables["Z"].mean - straight)[~beyond].max()
    assert np.abs(left[~beyond]).max() < off / 5
    np.testing.assert_array_equal(np.isnan(middle.lines[2].get_ydata()), [False, True])
    np.testing.assert_array_equal(upper.lines[2].get_ydata(), PUBLISHED.values)


@pytest.mark.parametrize("label", ["_hidden", ""])
def test_every_label_is_in_the_legend(label):
    drawn = runs.draw(FIGURE.model_copy(update={"labels": (label, "b")}), material(NOISY, EXACT))
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == [label, "b", "N = 32"]


def test_diagnostics_of_independent_trajectories_have_no_time():
    keys = {"kind": "diagnostics", "time_label": "t", "diagnostics": ["trajectory"], "runs": NAMES}
    run = damped(diagnostics={"trajectory": np.arange(3)})
    with pytest.raises(ConfigError, match="must be among none, but has trajectory"):
        diagnostics.draw(DiagnosticsFigure.model_validate(keys), material(run, run))


def test_errors_are_drawn_where_there_are_any():
    _, _, lower = runs.draw(FIGURE, material(NOISY, EXACT)).axes
    (line,) = lower.lines
    np.testing.assert_array_equal(line.get_ydata(), 0.01)
    assert lower.get_yscale() == "log"


def test_errors_too_small_to_be_known_are_left_out():
    """Rather than drawn at the smallest one."""
    growing = damped(61, error=0.01, seed=3)
    errors = growing.observables["Z"].stderr
    errors[:3] = [0, 1e-9, 9e-7]
    _, _, lower = runs.draw(FIGURE, material(growing, EXACT)).axes
    (line,) = lower.lines
    np.testing.assert_array_equal(line.get_ydata(), np.append([np.nan] * 3, errors[3:]))


def test_diagnostics_are_drawn_where_they_are_positive():
    recorded = {"time": np.array([0.0, 1, 2]), "residual": np.array([0.0, 0.1, 0.2])}
    keys = {"kind": "diagnostics", "time_label": "t", "diagnostics": ["residual"]}
    figure = DiagnosticsFigure.model_validate(keys | {"runs": NAMES})
    run = damped(diagnostics=recorded)
    panels = diagnostics.draw(figure, material(run, run)).axes
    assert len(panels) == 2
    np.testing.assert_array_equal(panels[0].lines[0].get_ydata(), [np.nan, 0.1, 0.2])
    with pytest.raises(ConfigError, match="must be among none, but has residual"):
        diagnostics.draw(figure, material(damped(), run))


def test_figure_of_runs_is_saved_with_the_origin_of_each(tmp_path):
    draw_to_files(FIGURE, material(NOISY, EXACT), [tmp_path / "figure.pdf"])
    content = (tmp_path / "figure.pdf").read_bytes()
    for run in (NOISY, EXACT):
        assert run.run_id.encode() in content
