"""The report of a study: gathers what its page shows from the study's folder, and writes it."""

import re
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path

from pipeline.errors import StudyError
from pipeline.files import write_text
from pipeline.quantity import counted
from pipeline.report.answer import describe_best, describe_search, describe_trust
from pipeline.report.findings import Findings, read_findings
from pipeline.report.page import Page, Plot, render_page
from pipeline.report.page_tables import all_trials, confusions, leaderboard, scores
from pipeline.report.plots.captions import CAPTIONS
from pipeline.report.plots.draw import SEARCH, draw_search
from pipeline.report.plots.evaluation import CONFUSION, WRONG, evaluation_plots
from pipeline.report.study_trials import StudyTrials
from pipeline.study.fingerprint import StudyFingerprint, read_fingerprint

_MOST_EXPLAINED = 1_800_000
"""Bytes of plots of what the best model sees; with all others, a page has at most about 5 MB."""

_EXPLAINED = re.compile(r"(?:filters|(\d+)-.*)\.png")
"""The names of the plots of an explanation, with the number of the image."""


def write_report(trials: StudyTrials, output: Path, plots: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """Writes the report of a study, which has a trial with a score, to ``output``; returns its plots by name.

    ``plots`` are those of the search (None: they are drawn). StudyError when a file of the study is damaged.
    """
    found = read_findings(trials)
    drawn = dict(draw_search(trials) if plots is None else plots)
    drawn |= evaluation_plots(found.evaluated, trials.paths) if found.evaluated is not None else {}
    write_text(output, render_page(_page(found, drawn)))
    return drawn


def _page(found: Findings, drawn: Mapping[str, bytes]) -> Page:
    trials, evaluated = found.trials, found.evaluated
    paths, records = trials.paths, trials.records
    explained, left = _explanation(trials) if evaluated is not None else ([], "")
    return Page(
        title=f"Study {paths.name}",
        running=f"Still running: {describe_progress(trials)}." if trials.running else "",
        answer=[*filter(None, [describe_best(found), describe_search(found), describe_trust(found)])],
        scores=scores(found),
        commands=found.next,
        leaderboard=leaderboard(records, paths.argument),
        plots=_plots(SEARCH, drawn),
        test=_plots((CONFUSION, WRONG), drawn),
        confusions=confusions(evaluated),
        explanation=explained,
        explanation_note=left,
        trials=all_trials(records),
        facts=_facts(found),
        files=_files(trials),
    )


def describe_progress(trials: StudyTrials) -> str:
    """How far a study is that still runs: ``12 trials so far``."""
    return f"{counted(trials.ended, 'trial')} so far"


def _plots(names: tuple[str, ...], drawn: Mapping[str, bytes]) -> list[Plot]:
    return [Plot(name.removesuffix(".png"), *CAPTIONS[name], drawn[name]) for name in names if name in drawn]


def _explanation(trials: StudyTrials) -> tuple[list[Plot], str]:
    """The plots of what the best model sees, as far as they fit, and where the others are.

    There is one for the first filters, and one for each image; those of activation maps stay in their folder.
    """
    folder = trials.paths.explanation
    own = {match[0]: int(match[1] or 0) for file in folder.glob("*.png") if (match := _EXPLAINED.fullmatch(file.name))}
    files = [folder / name for name in sorted(own, key=lambda name: own[name]) if not _has_maps(name, own)]
    plots: list[Plot] = []
    size = 0
    for file in files:
        size += file.stat().st_size
        if size > _MOST_EXPLAINED:
            break
        plots.append(Plot(f"sees-{len(plots)}", *_title(file.stem), file.read_bytes()))
    more = len(files) - len(plots)
    note = f"Activation maps{f', and {more} more images,' if more else ''} are in {folder / 'index.html'}."
    return plots, note if files else ""


def _has_maps(name: str, names: Collection[str]) -> bool:
    """Whether a plot is that of an image's activation maps."""
    return name.endswith("-maps.png") and f"{name.removesuffix('-maps.png')}.png" in names


def _title(stem: str) -> tuple[str, str]:
    """The heading and the caption of a plot of the explanation."""
    if stem == "filters":
        return "First filters", "The patterns that the first convolution looks for."
    return (
        f"Image {stem.partition('-')[0]}",
        "A validation image as the network sees it, the receptive field of its most active unit, the probabilities, "
        "and Grad-CAM: bright yellow is the strongest evidence for the class.",
    )


def _facts(found: Findings) -> list[tuple[str, str]]:
    """The command, the seed and what the results depend on beside them, as far as the study has noted it."""
    fingerprint, evaluated = _fingerprint(found.trials), found.evaluated
    facts = {"command": f"convtune tune {shlex.quote(str(found.trials.paths.job))} --study again"}
    facts["data"] = str(found.job.get("data", ""))
    if fingerprint is not None:
        facts |= {
            "digest of the data": fingerprint.dataset,
            "seed": str(fingerprint.seed),
            "MLflow run": fingerprint.run,
        }
    if evaluated is not None:
        model = evaluated.model
        facts["registered as"] = f"{model.registered_as}, version {model.version}" if model.registered_as else ""
        facts["versions"] = ", ".join(f"{name} {number}" for name, number in evaluated.versions.items())
    return [(name, value) for name, value in facts.items() if value]


def _fingerprint(trials: StudyTrials) -> StudyFingerprint | None:
    try:
        return read_fingerprint(trials.paths)
    except StudyError:  # a report needs nothing from it
        return None


def _files(trials: StudyTrials) -> dict[str, str]:
    """The job and the space, without the comment that editors read."""
    files = {}
    for path in (trials.paths.job, trials.paths.space):
        if path.is_file():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            files[path.name] = "\n".join(line for line in lines if not line.startswith("# yaml-language-server"))
    return files
