"""``convtune report``: everything about a study on one page."""

import argparse
from pathlib import Path

HELP = "write a page that shows a study: its answer, plots, mistakes, trials"

EXAMPLES = ("convtune report mine", "convtune report mine --output report.html --open")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the study, the file and whether to open it."""
    parser.add_argument("study", metavar="STUDY", help="name or path of a study, which may still run")
    parser.add_argument(
        "--output", metavar="FILE", help="the page to write (default: report.html in the study's folder)"
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")


def run(args: argparse.Namespace) -> int:
    """Writes the page and prints its path."""
    import webbrowser

    from pipeline.console import status, warn
    from pipeline.report.study_report import describe_progress, write_report
    from pipeline.report.study_trials import read_trials

    trials = read_trials(args.study)
    output = _output(args.output) if args.output else trials.paths.report
    with status(f"drawing the report of {len(trials.records):,} trials"):
        write_report(trials, output)
    if trials.running:
        print(f"Still running: {describe_progress(trials)}")
    print(f"Report:  {output}")
    if args.open and not webbrowser.open(output.resolve().as_uri()):
        warn(f"no browser could be started; open {output} in one")
    return 0


def _output(name: str) -> Path:
    """The file to write; JobError for a folder, and for a name that does not end as a page's does."""
    from pipeline.errors import JobError

    path = Path(name)
    if path.is_dir() or path.suffix.lower() not in (".html", ".htm"):
        better = path / "report.html" if path.is_dir() else path.with_suffix(".html")
        raise JobError(f"--output: expected a file that ends in .html, got {name}; give one such as {better}")
    return path
