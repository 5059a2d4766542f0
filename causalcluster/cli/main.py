"""Commands of `causalcluster`; heavy modules are imported inside the command that needs them."""

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from causalcluster.errors import InputError

WRONG_INPUT, BUG, INTERRUPTED = 2, 1, 130

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Through whom does a policy reach wages and working conditions?",
)

Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]
Pdf = Annotated[bool, typer.Option("--pdf", help="Write the report as a PDF too.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for the results; created where it does not exist.")]
AnalysisFile = Annotated[Path, typer.Argument(metavar="FILE", help="The analysis file (YAML).")]


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"causalcluster {version('causalcluster')}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del show_version


@app.command()
def demo(
    out: Out = Path("causalcluster-demo"),
    *,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run the main job on real data that the package carries; needs no network."""
    from causalcluster.cli.commands import run_file
    from causalcluster.resources import study_path

    _finish(run_file(study_path("wagepan_union") / "analysis.yaml", out, {}, quiet=quiet, as_json=as_json))


@app.command()
def check(file: AnalysisFile, *, quiet: Quiet = False, as_json: Json = False) -> None:
    """Validate file and data, draw the diagram, say what is identified and why; samples nothing."""
    from causalcluster.cli.commands import check_file

    check_file(file, quiet=quiet, as_json=as_json)


@app.command()
def run(
    file: AnalysisFile,
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")],
    *,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed, instead of the file's.")] = None,
    draws: Annotated[int | None, typer.Option(min=4, help="Draws per chain, instead of the file's.")] = None,
    tune: Annotated[int | None, typer.Option(min=1, help="Tuning steps per chain, instead of the file's.")] = None,
    chains: Annotated[int | None, typer.Option(min=1, help="Chains, instead of the file's.")] = None,
    leave_one_out: Annotated[bool, typer.Option("--leave-one-out", help="Fit again without each cluster in turn.")] = False,
    refute: Annotated[int, typer.Option(min=0, help="Refit so many tables of each kind whose answer is known.")] = 0,
    pdf: Pdf = False,
    engine: Annotated[
        str | None, typer.Option(help="Where many fits run: dask://host:port, dask (a local cluster) or threads.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run the whole analysis and write tables, posterior and report."""
    from causalcluster.cli.commands import run_file

    settings = {"seed": seed, "draws": draws, "tune": tune, "chains": chains}
    given = {name: value for name, value in settings.items() if value is not None}
    code = run_file(
        file,
        out,
        given,
        quiet=quiet,
        as_json=as_json,
        leave_one_out=leave_one_out,
        refutations=refute,
        engine=engine,
        pdf=pdf,
    )
    _finish(code)


@app.command()
def init(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="The table: CSV, Parquet, Feather, Stata or Excel.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Analysis file to write.")] = Path("analysis.yaml"),
    *,
    quiet: Quiet = False,
) -> None:
    """Write a commented starter analysis for a table."""
    from causalcluster.cli.commands import init_file

    init_file(table, out, quiet=quiet)


@app.command()
def reduce(
    file: AnalysisFile,
    out: Annotated[Path, typer.Option("-o", "--out", help="Moments file to write.")],
    *,
    min_cell: Annotated[int | None, typer.Option(min=1, help="Leave out clusters with fewer rows.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write the sufficient statistics of a table to a file that holds no row."""
    from causalcluster.cli.commands import reduce_file

    reduce_file(file, out, min_cell, quiet=quiet, as_json=as_json)


@app.command()
def report(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a finished run.")],
    *,
    pdf: Pdf = False,
    quiet: Quiet = False,
) -> None:
    """Render the report of a finished run again."""
    from causalcluster.report import write_report

    for path in write_report(directory, pdf=pdf):
        if not quiet:
            typer.echo(f"Report: {path}")


@app.command()
def tables(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a finished run.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write: .xlsx or .tex.")],
    *,
    quiet: Quiet = False,
) -> None:
    """Export the tables of a finished run to a workbook or to LaTeX."""
    from causalcluster.report.export import export_tables

    export_tables(directory, out)
    if not quiet:
        typer.echo(f"Wrote {out}")


@app.command()
def scorecard(
    directories: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of finished runs.")],
    *,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="CSV file to write; printed without it.")] = None,
    as_json: Json = False,
) -> None:
    """Collect what several runs say about the paper's edges and hypotheses."""
    from causalcluster.cli.commands import collect_scorecards

    collect_scorecards(directories, out, as_json=as_json)


@app.command()
def framework(
    topic: Annotated[Literal["nodes", "edges", "hypotheses", "cases"] | None, typer.Argument(help="What to list.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Print the framework of Pyke and Lund-Thomsen (2015)."""
    from causalcluster.framework import load_framework
    from causalcluster.framework.render import render_framework

    typer.echo(render_framework(load_framework(), topic or "summary", as_json=as_json))


@app.command()
def simulate(
    scenario: Annotated[str, typer.Argument(help="The scenario: linear, feedback, null or framework.")],
    table: Annotated[Path, typer.Option("-o", "--out", help="Table to write; .csv or .parquet.")],
    *,
    truth: Annotated[Path | None, typer.Option(help="File for the true effects.")] = None,
    analysis: Annotated[Path | None, typer.Option(help="File for a matching analysis.")] = None,
    clusters: Annotated[int, typer.Option(help="Number of clusters.")] = 24,
    rows: Annotated[int | None, typer.Option(help="Mean rows per cluster; 10 to 500 rows without it.")] = None,
    seed: Annotated[int, typer.Option(help="Seed.")] = 1,
    quiet: Quiet = False,
) -> None:
    """Write a panel with known true effects."""
    from causalcluster.simulation import simulate as draw
    from causalcluster.simulation import write_simulated

    written = write_simulated(draw(scenario, clusters=clusters, rows=rows, seed=seed), table, truth=truth, analysis=analysis)
    if not quiet:
        for path in written:
            typer.echo(f"Wrote {path}")


def _finish(code: int) -> None:
    if code:
        raise typer.Exit(code)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with 0, 1 (a bug), 2 (wrong input) or 3 (not to be trusted)."""
    # A folder that is being written is cleaned up on the way out of an exception, not when the process is just ended.
    earlier = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        app(args=list(arguments) if arguments is not None else None, standalone_mode=True)
    except InputError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(WRONG_INPUT)
    except SystemExit as stop:
        if stop.code in (INTERRUPTED, 128 + signal.SIGTERM):
            typer.echo("Interrupted: nothing was written; files of an earlier run are as they were.", err=True)
        raise
    except BrokenPipeError:
        # The reader of a pipe went away; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception:  # the boundary of the program: whatever reaches it is a bug, and is shown as one
        traceback.print_exc()
        typer.echo("This is a bug in causalcluster; please report it with the lines above.", err=True)
        sys.exit(BUG)
    finally:
        signal.signal(signal.SIGTERM, earlier)
