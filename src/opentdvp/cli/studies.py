"""Commands that judge and show the runs of a configuration."""

from pathlib import Path
from typing import Annotated

import typer

from opentdvp import config
from opentdvp.cli.app import ConfigFile, app, require_name
from opentdvp.config.load import json_schema, load_with_sources
from opentdvp.errors import ConfigError
from opentdvp.records.permissions import reserved

FigureName = Annotated[str, typer.Argument(metavar="FIGURE", help="Name of a figure.")]


@app.command()
def compare(
    config_file: ConfigFile,
    comparison: Annotated[str, typer.Argument(help="Name of a comparison.")],
    candidate: Annotated[Path, typer.Argument(help="Trajectory that is judged.")],
    reference: Annotated[Path, typer.Argument(help="Trajectory that it is judged by.")],
    points: Annotated[Path, typer.Option(help="Table with a row per time, to write (TSV).")],
    summary: Annotated[Path, typer.Option(help="Table per observable, to write (TSV).")],
) -> None:
    """Compare a run with its reference, at every time."""
    from opentdvp import judging
    from opentdvp import study as studying
    from opentdvp.cli.show import print_table

    study, sources = load_with_sources(config_file)
    require_name("COMPARISON", comparison, study.comparisons)
    outputs = [
        judging.table_output(points, judging.POINTS),
        judging.table_output(summary, judging.SUMMARY),
    ]
    entry = study.comparisons[comparison]
    with reserved(outputs, [*sources, candidate, reference]):
        tables = judging.judge(study, entry, candidate, reference)
        judging.write_table(tables.points, points)
        judging.write_table(tables.summary, summary)
    shown = ["observable", "distance", "max_difference", "excess", "tolerance", "passed"]
    print_table(tables.summary[shown])
    print(studying.sentence(studying.verdict(comparison, entry, tables.summary)))


@app.command()
def derive(
    config_file: ConfigFile,
    figure: FigureName,
    out: Annotated[Path, typer.Option(help="Table to write (TSV).")],
) -> None:
    """Make the table behind a figure that shows what is derived from its runs, from their files."""
    from opentdvp import judging
    from opentdvp.study import drawing

    study, sources = load_with_sources(config_file)
    require_name("FIGURE", figure, study.figures)
    if not study.figures[figure].derived:
        kind = study.figures[figure].kind
        raise ConfigError(
            "Argument FIGURE must be of the kind front, scan or costs, or a heatmap with a "
            f"`front`, but is of the kind {kind}, without a table of its own."
        )
    outputs = [judging.table_output(out, drawing.derived_columns(study, figure))]
    with reserved(outputs, [*sources, *drawing.inputs(study, figure)]):
        judging.write_table(drawing.derive(study, figure), out)


@app.command()
def plot(
    config_file: ConfigFile,
    figure: FigureName,
    out: Annotated[list[Path], typer.Option(help="Figure to write (PDF or PNG); may be repeated.")],
) -> None:
    """Draw a figure from the files of its runs and comparisons."""
    from opentdvp import figures
    from opentdvp.study import drawing

    study, sources = load_with_sources(config_file)
    require_name("FIGURE", figure, study.figures)
    inputs = [*sources, *drawing.inputs(study, figure)]
    with reserved(list(map(figures.output, out)), inputs):
        drawing.draw(study, figure, out)


@app.command()
def overview(
    config_file: ConfigFile,
    out: Annotated[Path, typer.Option(help="Folder for the tables (Markdown, HTML).")],
    finished: Annotated[
        bool, typer.Option("--finished", help="Leave out what has not been run and compared yet.")
    ] = False,
) -> None:
    """Gather all comparisons, curves and runs of a configuration, from the files of its results.

    Writes closeness, overview, runs and, if the configuration has `panels`, panels, each as .md and
    .html; prints which comparisons are beyond their tolerance.
    """
    from opentdvp import judging
    from opentdvp import study as studying

    study, sources = load_with_sources(config_file)
    if finished:
        study = studying.finished(study)
    headings = {
        "closeness": ("Every plotted curve", "Published values"),
        "overview": ("All comparisons",),
        "runs": ("Every figure", "All runs"),
    } | ({"panels": ("Panels and methods",)} if study.panels else {})
    outputs = [
        judging.page_output(out / f"{name}.{kind}", headings[name])
        for name in headings
        for kind in ("md", "html")
    ]
    with reserved(outputs, sources):
        runs, comparisons = studying.costs(study), studying.overview(study)
        pages = {
            "closeness": (studying.closeness(study), studying.published(study)),
            "overview": (comparisons,),
            "runs": (studying.figure_costs(study), runs),
            "panels": (studying.panels(study, comparisons, runs),),
        }
        for name, titles in headings.items():
            tables = dict(zip(titles, pages[name], strict=True))
            judging.write_markdown(tables, out / f"{name}.md")
            judging.write_html(tables, name, out / f"{name}.html")
    print(*studying.sentences(studying.verdicts(study)), sep="\n")


@app.command()
def verdicts(config_file: ConfigFile) -> None:
    """Say which comparisons are beyond their tolerance, from their tables."""
    from opentdvp import study as studying

    print("\n  ".join(studying.last_words(config.load(config_file))))


@app.command()
def where(
    config_file: ConfigFile,
    since: Annotated[
        float | None,
        typer.Option(help="Seconds since 1970; of older figures it says that they are old."),
    ] = None,
) -> None:
    """Say where the figures, tables and report of a configuration are."""
    from opentdvp import study as studying

    print(*studying.whereabouts(config.load(config_file), since), sep="\n")


@app.command()
def validate(config_file: ConfigFile) -> None:
    """Check a configuration, that every solver fits its systems, its archive, TeX of labels.

    Says what its runs will take, where `opentdvp estimate` has found it.
    """
    from opentdvp.cli.show import print_table
    from opentdvp.pipeline import validation
    from opentdvp.study import estimates

    study = config.load(config_file)
    plan = validation.validate(study, config_file)
    print(
        f"{config_file} is valid: {len(study.systems)} systems, {len(study.solvers)} solvers, "
        f"{len(study.comparisons)} comparisons, {len(study.figures)} figures."
    )
    if plan:
        print(plan)
    known = estimates.known(study)
    if known:
        print_table(estimates.table(known))
        print(estimates.told(known, len(estimates.computed(study))))


@app.command()
def verify(config_file: ConfigFile) -> None:
    """Check every run, table and figure of a configuration; computes no run again."""
    from opentdvp.cli.show import print_table
    from opentdvp.study import archive
    from opentdvp.study.verification import SHORT, VALID, told_of_revisions, verify

    study = config.load(config_file)
    verdicts = verify(study)
    notes = verdicts[verdicts["verdict"] != VALID]
    if len(notes):
        print_table(notes[["kind", "name", "verdict"]])
    wrong = notes[~notes["verdict"].str.startswith(SHORT)]
    if len(wrong):
        raise ConfigError(f"{len(wrong)} of {len(verdicts)} must be valid, but are not.")
    print(f"{config_file}: all {len(verdicts)} runs, comparisons, tables and figures are valid.")
    print(told_of_revisions(verdicts))
    copies = archive.told(study)
    if copies:
        print(copies)


@app.command()
def show(
    trajectory_file: Annotated[Path, typer.Argument(metavar="FILE", help="Trajectory file.")],
) -> None:
    """Show what was run, how it ended, and a summary of its observables."""
    from opentdvp.cli.show import show_trajectory

    show_trajectory(trajectory_file)


@app.command()
def schema() -> None:
    """Print the JSON schema of a configuration file, for editors."""
    print(json_schema(), end="")
