"""The job of a study, and the one table of its settings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import JobError
from pipeline.executors import EXECUTORS
from pipeline.hyperparameter import Scalar
from pipeline.job import value_schemas as schemas
from pipeline.job.executor_limits import check_address, check_gpus, check_timeout, check_workers
from pipeline.job.parsers import (
    ALL,
    PartialParams,
    parse_assignments,
    parse_attempt,
    parse_gpus,
    parse_limits,
    parse_model_name,
    parse_number_or_all,
    parse_objective_names,
    parse_score,
    parse_seconds,
    parse_size,
    parse_storage,
    parse_text,
)
from pipeline.job.reachable import check_reachable
from pipeline.job.setting import EMPTY, Setting, choice, count, setting, settings_of, whole_number
from pipeline.metrics import DEFAULT_METRIC, METRICS
from pipeline.quantity import format_seconds
from pipeline.recipe import CLASS_WEIGHTS
from pipeline.search.pruners import PRUNERS
from pipeline.search.samplers import SAMPLERS
from pipeline.study.objective import MINIMIZED, SCORE, Objective, minimized_costs

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
"""Keras's dtype policies for training; ``auto`` depends on the hardware."""

PIXELS = ("auto", "0..1", "0..255")
"""The ranges in which pixels may enter a HyperModel's models; ``auto``: as the models themselves show."""

_DATA, _SEARCHED, _BEST = "data", "what is searched", "which network is best"
_HOW, _LONG, _WHERE = "how it is searched", "how long", "where it runs"
"""The groups of the settings in `tune --help`."""


def _union(mappings: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, Any], ...]:
    """The mappings merged into one, sorted by name; a later value replaces an earlier one."""
    merged = {name: value for mapping in mappings for name, value in mapping.items()}
    return tuple(sorted(merged.items()))


@dataclass(frozen=True)
class Job:
    """A study as the user requests it. Each field declares one setting: its default, help, parser and schema.

    ``trials`` is the total that the study should reach (None: as many as there are). ``time`` bounds one run of the
    command, ``trial_timeout`` one trial, in seconds (None: no bound). ``stop_at`` is a score of the metric and
    ``patience`` a number of trials; they look at all trials of the study. ``attempts`` are params, or names of start
    points, that are tried first; ``fixed`` turns hyperparameters of the space into constants; ``limits`` replaces
    limits of the space ("none" removes one). ``image_size`` is (height, width) in pixels. ``gpus`` are () for
    all, ("none",) for none, or some of those of ``executors.devices.gpus``; ``workers`` and ``per_gpu`` are 0 for
    ``auto``, as None is. What is left open, as ``epochs`` and ``image_size`` are with None, is filled in by the rule of
    ``pipeline.steps.plan``.

    JobError for settings that exclude each other, and for a ``stop_at`` that no score of the metric can reach.
    """

    data: str = setting(
        group=_DATA,
        help="folder of images, .npz file, or a name from `convtune datasets`",
        metavar="PATH|NAME",
        parse=parse_text,
        schema=schemas.TEXT,
    )
    space: str = setting(
        "quick",
        group=_SEARCHED,
        help="a name from `convtune spaces`, a space file, or a HyperModel as file.py:build",
        default_text="quick; plain from --time 1h on",
        metavar="NAME|FILE",
        parse=parse_text,
        schema=schemas.TEXT,
    )
    search: str = choice("bayesian", SAMPLERS, group=_HOW, help="how the params of the next trial are chosen")
    metric: str = choice(DEFAULT_METRIC.name, METRICS, group=_BEST, help="metric that trials are scored by")
    objective: tuple[str, ...] = setting(
        (SCORE,),
        group=_BEST,
        help="the score alone, or the Pareto front of the score and costs to minimise",
        metavar=f"{SCORE}[,{'|'.join(MINIMIZED)}...]",
        parse=parse_objective_names,
        schema=schemas.OBJECTIVE_LIST,
        dump=",".join,
    )
    trials: int | None = whole_number(
        None,
        1,
        example=30,
        group=_LONG,
        help="trials of the study in total",
        default_text="as many as fit in the time, or the whole space by an exhaustive search",
    )
    time: float | None = setting(
        None,
        example="10m",
        group=_LONG,
        help="stop after this long: 600s, 10m, 1h30m",
        default_text="10m without --trials",
        metavar="T",
        parse=parse_seconds,
        schema=schemas.TIME,
        dump=format_seconds,
    )
    trial_timeout: float | None = setting(
        None,
        example="2h",
        group=_LONG,
        help="end a trial that takes longer than this, counted from when a worker begins it; it has failed",
        metavar="T",
        parse=parse_seconds,
        schema=schemas.TIME,
        dump=format_seconds,
    )
    stop_at: float | None = setting(
        None,
        example=0.95,
        group=_LONG,
        help="end the study once a trial's model has this score",
        metavar="SCORE",
        parse=parse_score,
        schema={"type": "number"},
    )
    patience: int | None = whole_number(
        None, 1, example=20, group=_LONG, help="end the study after this many trials in a row without a better score"
    )
    epochs: int | None = whole_number(
        None,
        1,
        example=20,
        group=_LONG,
        help="epochs of a full training",
        default_text="5 to 40, by the number of training images",
    )
    workers: int | None = count(
        1,
        256,
        example=1,
        group=_WHERE,
        help="number of trials that run at the same time",
        default_text="auto: some per GPU, or one per physical core without one, as far as the memory suffices",
    )
    gpus: tuple[str, ...] = setting(
        (),
        example="0,1",
        group=_WHERE,
        help="GPUs that the workers take in turn",
        metavar="all|none|N,...",
        parse=parse_gpus,
        schema=schemas.GPUS,
        dump=",".join,
        default_text="all",
    )
    per_gpu: int | None = count(
        1,
        64,
        example=4,
        group=_WHERE,
        help="number of trials that share a GPU",
        default_text="auto: one for 2 cores, at most 8",
    )
    pruner: str = choice("asha", PRUNERS, group=_HOW, help="how poor trials are stopped early")
    study: str = setting(
        "",
        example="mine",
        group=_WHERE,
        help="name or path of the study; an existing one is continued",
        metavar="NAME|PATH",
        parse=parse_text,
        schema=schemas.TEXT,
        default_text="a new name",
    )
    keep_models: int | str = setting(
        5,
        group=_WHERE,
        help="how many trials' models stay on disk: those of the best, of the Pareto front and of what runs; or all",
        metavar=f"N|{ALL}",
        parse=parse_number_or_all,
        schema={"anyOf": [{"type": "integer", "minimum": 1}, {"const": ALL}]},
    )
    storage: str = setting(
        "",
        example="postgresql://me@db.example.org/trials",
        group=_WHERE,
        help="PostgreSQL database that keeps the trials; its password is best in PGPASSWORD or ~/.pgpass: one that is "
        "given here is stored nowhere",
        metavar="postgresql://USER@HOST/DB",
        parse=parse_storage,
        schema=schemas.ADDRESS,
        default_text="optuna.db in the study's folder",
    )
    register: str = setting(
        "",
        example="pets",
        group=_WHERE,
        help="name of the best model in MLflow's registry",
        metavar="NAME",
        parse=parse_model_name,
        schema=schemas.MODEL_NAME,
        default_text="convtune, the data's name and a digest of where it lies",
    )
    seed: int = whole_number(0, 0, 2**32 - 1, group=_HOW, help="seed for splits, search and training")
    attempts: tuple[PartialParams | str, ...] = setting(
        (),
        key="try",
        example=[{"blocks": 2, "filters": 32}],
        group=_SEARCHED,
        help="params to try first, or the name of a start point",
        metavar="K=V,...|NAME",
        parse=parse_attempt,
        schema=schemas.ATTEMPTS,
        dump=list,
        merge=tuple,
    )
    fixed: tuple[tuple[str, Scalar], ...] = setting(
        (),
        key="set",
        example={"kernel": 3},
        group=_SEARCHED,
        help="fix hyperparameters of the space",
        metavar="K=V,...",
        parse=parse_assignments,
        schema=schemas.PARAMS,
        dump=dict,
        merge=_union,
    )
    limits: tuple[tuple[str, Scalar], ...] = setting(
        (),
        key="limit",
        example={"macs": "20M", "memory": "2GB"},
        group=_SEARCHED,
        help="replace limits of the space, as in macs=20M,memory=2GB; K=none removes one",
        default_text="the space's; macs as the time allows",
        metavar="K=V,...",
        parse=parse_limits,
        schema=schemas.LIMITS,
        dump=dict,
        merge=_union,
    )
    image_size: tuple[int, int] | None = setting(
        None,
        example="64x64",
        group=_DATA,
        help="size in pixels to which images are resized",
        metavar="N|HxW",
        parse=parse_size,
        schema=schemas.SIZE,
        dump=lambda sides: "{}x{}".format(*sides),
        default_text="what the time allows, 32 to 128 and at most the images' own",
    )
    class_weight: str | None = choice(
        None,
        CLASS_WEIGHTS,
        example="balanced",
        group=_SEARCHED,
        help="balanced: rare classes count as much in training as frequent ones; short for --set class_weight=...",
        default_text="the space's, none unless it says otherwise",
    )
    pixels: str = choice("auto", PIXELS, group=_DATA, help="range in which pixels enter a HyperModel's models")
    precision: str = choice("auto", PRECISIONS, group=_WHERE, help="number format for training")
    executor: str = choice("local", EXECUTORS, group=_WHERE, help="where trials run")
    ray_address: str = setting(
        "",
        example="auto",
        group=_WHERE,
        help="head of the Ray cluster for --executor ray that this machine is a node of; auto finds it",
        metavar="auto|HOST:PORT",
        parse=parse_text,
        schema=schemas.TEXT,
        default_text="one of its own, on this machine",
    )

    def __post_init__(self) -> None:
        check_workers(self.workers, self.executor)
        check_timeout(self.trial_timeout, self.executor)
        check_gpus(self.gpus, self.per_gpu, self.executor)
        check_address(self.ray_address, self.executor)
        if self.stop_at is not None:
            check_reachable(METRICS[self.metric], self.stop_at)
        fixed = dict(self.fixed).get("class_weight", self.class_weight)
        if self.class_weight not in (None, fixed):
            raise JobError(f"--class-weight: {self.class_weight}, but --set has class_weight={fixed}; give one of them")

    @property
    def total(self) -> float:
        """The number of trials that the study should have in the end, infinite if only time or space end it."""
        return math.inf if self.trials is None else self.trials

    @property
    def models_kept(self) -> float:
        """How many of the best trials keep their models, infinite if all do."""
        return math.inf if isinstance(self.keep_models, str) else self.keep_models

    @property
    def full_epochs(self) -> int:
        """The epochs of a full training; only of a job that leaves them open no more."""
        assert self.epochs is not None
        return self.epochs

    @property
    def study_objective(self) -> Objective:
        """The metric, and the costs that are minimised beside the score."""
        return Objective(METRICS[self.metric], minimized_costs(self.objective))

    def as_file(self) -> dict[str, Any]:
        """The content of a job file for this job: plain values by key, without empty ones.

        >>> Job("photos", epochs=5, time=90.0).as_file()["time"]
        '90s'
        """
        values = {key: (entry, getattr(self, entry.name)) for key, entry in SETTINGS.items()}
        written = {key: entry.dump(value) for key, (entry, value) in values.items() if value not in EMPTY}
        return {key: content for key, content in written.items() if content is not None}


SETTINGS: Mapping[str, Setting] = settings_of(Job)
"""Every setting of a job by its key."""
