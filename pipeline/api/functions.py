"""``tune`` and ``load_study``: what the commands ``tune`` and ``trials`` do, for programs."""

import inspect
import keyword
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.api.study import Study
from pipeline.errors import StudyError
from pipeline.job import SETTINGS


def load_study(study: str | Path) -> Study:
    """The study of that name below ``studies``, or in that folder.

    StudyError with the nearest name for an unknown study, and for one of an older version that this one cannot read.
    """
    from pipeline.search.optuna_study import load_trials
    from pipeline.study.fingerprint import check_words, read_fingerprint
    from pipeline.yaml_file import read_mapping

    paths, records, infeasible = load_trials(study if isinstance(study, str) else os.path.join(os.curdir, study))
    check_words(paths)
    return Study(paths, records, infeasible, read_mapping(paths.job, StudyError), read_fingerprint(paths))


def tune(
    job: str | Path | None = None,
    /,
    *,
    quiet: bool = False,
    verbose: bool = False,
    retry_failed: bool = False,
    **settings: Any,
) -> Study:
    """Runs a study as the command ``convtune tune`` does, and returns it.

    ``job`` is a job file; what is given here wins over it. ``quiet`` prints nothing but warnings, ``verbose`` also
    every epoch. A study that has begun goes on; with ``retry_failed`` it also repeats the trials that failed through a
    fault of the machine. A setting takes what a job file may say; None is as if it were not given. Raises a
    ConvtuneError where the command prints one, and KeyboardInterrupt on Ctrl-C: the study can go on. Within
    ``with mlflow.start_run()`` a new study's run in MLflow is a child of that run, which stays as it is.

    The settings, each with its default:
    """
    from pipeline.job.request import read_job
    from pipeline.report.progress import Verbosity, choose_verbosity
    from pipeline.steps.start import settle, start

    arguments = {_key(name): _plain(value) for name, value in settings.items()}
    asked = read_job(None if job is None else str(job), {}, arguments)
    request, paths = settle(replace(asked, retry_failed=retry_failed))
    start(request, paths, Verbosity.SILENT if quiet else choose_verbosity(False, verbose))
    return load_study(paths.argument)


def _key(argument: str) -> str:
    """The key of a setting: ``try_`` stands for ``try``, a word that Python keeps for itself (PEP 8)."""
    word = argument.removesuffix("_")
    return word if keyword.iskeyword(word) else argument


def _plain(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _describe() -> None:
    """Gives ``tune`` the names and the help of all settings, for editors and notebooks, from the one table of them."""
    names = {f"{key}_" if keyword.iskeyword(key) else key: setting for key, setting in SETTINGS.items()}
    own = inspect.signature(tune)
    parameters = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    parameters += [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in names]
    tune.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    tune.__doc__ = f"{inspect.getdoc(tune)}\n\n" + "\n".join(
        f"    {name}: {setting.flag_help.removesuffix('; repeatable')}" for name, setting in names.items()
    )


_describe()
