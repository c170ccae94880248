import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from pipeline.architecture import FAMILIES
from pipeline.errors import JobError, SpaceError
from pipeline.job import SETTINGS, Job
from pipeline.recipe import HYPERPARAMETERS
from pipeline.schema import as_text, job_schema, schemas, space_schema, write
from pipeline.space import available, load
from pipeline.yaml_file import read_mapping

FOLDER = Path(str(files("search_spaces")))
SPACE = jsonschema.Draft202012Validator(space_schema())
JOB = jsonschema.Draft202012Validator(job_schema())


@pytest.mark.parametrize("name", schemas())
def test_the_files_that_ship_are_what_the_tables_say(name, tmp_path):
    write(tmp_path)
    written = (tmp_path / name).read_text(encoding="utf-8")
    assert (FOLDER / name).read_text(encoding="utf-8") == written, "run python -m pipeline.schema"
    assert json.loads(written) == schemas()[name]


@pytest.mark.parametrize("name", schemas())
def test_the_schemas_are_schemas(name):
    jsonschema.Draft202012Validator.check_schema(schemas()[name])


@pytest.mark.parametrize("family", FAMILIES)
def test_editors_know_every_hyperparameter_with_its_help(family):
    schema = space_schema()
    branch = next(branch for branch in schema["allOf"] if branch["if"]["properties"]["family"] == {"const": family})
    entries = branch["then"]["properties"]["hyperparameters"]["properties"]
    hyperparameters = {**FAMILIES[family].hyperparameters, **HYPERPARAMETERS}
    assert list(entries) == list(hyperparameters)
    for name, hyperparameter in hyperparameters.items():
        definition = entries[name]["$ref"].removeprefix("#/$defs/")
        assert hyperparameter.help in schema["$defs"][definition]["description"]


def test_editors_know_every_key_of_a_job():
    properties = job_schema()["properties"]
    assert list(properties) == list(SETTINGS)
    for key, setting in SETTINGS.items():
        assert properties[key]["description"] == setting.help
        assert properties[key].items() >= setting.schema.items()


def test_editors_fill_in_the_defaults_of_a_job():
    defaults = {key: schema["default"] for key, schema in job_schema()["properties"].items() if "default" in schema}
    assert Job("photos").as_file() == {"data": "photos", **defaults}


@pytest.mark.parametrize("name", [name for name, _ in available()])
def test_every_space_that_ships_is_valid(name):
    SPACE.validate(read_mapping(FOLDER / f"{name}.yaml", SpaceError))


def errors(validator, tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return list(validator.iter_errors(read_mapping(path, JobError)))


GOOD_ENTRIES = [
    "blocks: 3, filters: [8, 16, 32]",
    "pool: {choice: [max, none]}, filters: {choice: [8, 16], per: blocks, when: {pool: max}}",
    "pool: average, blocks: 2, filters: {int: [8, 64], log: true, when: {pool: [average], blocks: 2}}",
    "dropout: {float: [0, 0.5], step: 0.1}",
    "learning_rate: {float: [1e-4, 1e-1], log: true}",
    "flip: {choice: [true, false]}",
]


@pytest.mark.parametrize("entries", GOOD_ENTRIES)
def test_what_can_be_loaded_is_valid(tmp_path, entries):
    assert not errors(SPACE, tmp_path, f"family: plain\nhyperparameters: {{{entries}}}\n")
    load(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize(
    "text",
    [
        "hyperparameters: {blocks: 3}",
        "family: plain\nparameters: {blocks: 3}",
        "family: plane",
        "family: plain\nparamters: {}",
        "family: plain\nhyperparameters: [blocks]",
        "family: plain\nhyperparameters: {blcks: 3}",
        "family: plain\nhyperparameters: {blocks: 0}",
        "family: plain\nhyperparameters: {blocks: {int: [1]}}",
        "family: plain\nhyperparameters: {blocks: {int: [1, 2], step: 0}}",
        "family: plain\nhyperparameters: {blocks: {float: [1, 2]}}",
        "family: plain\nhyperparameters: {blocks: {int: [1, 2], choice: [1]}}",
        "family: plain\nhyperparameters: {blocks: {log: true}}",
        "family: plain\nhyperparameters: {filters: {choice: []}}",
        "family: plain\nhyperparameters: {filters: {choice: [8, 8]}}",
        "family: plain\nhyperparameters: {filters: {choice: [0]}}",
        "family: plain\nhyperparameters: {filters: {choice: [8], per: fc_layers}}",
        "family: plain\nhyperparameters: {dropout: {choice: [0.1], per: blocks}}",
        "family: plain\nhyperparameters: {dropout: [0.1]}",
        "family: plain\nhyperparameters: {pool: min}",
        "family: plain\nhyperparameters: {pool_size: {choice: [2], when: {pol: max}}}",
        "family: plain\nhyperparameters: {pool_size: {choice: [2], when: {pool: min}}}",
        "family: plain\nhyperparameters: {flip: 'yes'}",
        "family: plain\nlimits: {mac: 5}",
        "family: plain\nlimits: {macs: 0}",
        "family: plain\nstart_from: {blocks: 3}",
        "family: plain\nstart_from: [{blcks: 3}]",
        "family: plain\nstart_from: [{dropout_1: 0.1}]",
        "family: plain\nstart_from: [{filters_0: 8}]",
    ],
)
def test_what_cannot_be_loaded_is_not_valid_either(tmp_path, text):
    assert errors(SPACE, tmp_path, text)
    with pytest.raises(SpaceError):
        load(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize(
    "limits",
    [
        {"macs": "5_000_000", "parameters": 5e6},
        {"memory": "2.5 GB", "latency_ms": 0.5},
        {"memory": "2_000_000_000", "latency_ms": "0.5"},
    ],
)
def test_editors_take_limits_as_numbers_and_as_text(tmp_path, limits):
    content = {"family": "plain", "limits": limits}
    SPACE.validate(content)
    (tmp_path / "mine.yaml").write_text(json.dumps(content))
    assert load(str(tmp_path / "mine.yaml")).limits.keys() == limits.keys()


JOB_FILE = """
data: photos/
space: quick
search: bayesian
metric: f1_macro
trials: 20
time: 1h30m
epochs: 10
workers: 2
pruner: asha
study: flowers
seed: 0
try: [{blocks: 2, filters: [16, 32], kernel_2: 5}, {learning_rate: 1e-3}]
set: {batch_size: 64, kernel: 3}
limit: {macs: 5_000_000, memory: none}
image_size: 64x48
precision: auto
executor: local
objective: [score, macs]
"""


def test_a_job_file_with_every_key_is_valid(tmp_path):
    assert not errors(JOB, tmp_path, JOB_FILE)


@pytest.mark.parametrize("line", ["time: 600", "time: 10m", "time: 0.5h", "image_size: 64", "image_size: '64'"])
def test_times_and_sizes_have_several_forms(tmp_path, line):
    assert not errors(JOB, tmp_path, line)


@pytest.mark.parametrize("value", ["score", "score,macs", "score, macs", "[latency, score]"])
def test_objectives_are_a_text_or_a_list(tmp_path, value):
    line = f"objective: {value}"
    assert not errors(JOB, tmp_path, line)


@pytest.mark.parametrize(
    "line",
    [
        "trails: 20",
        "trials: 0",
        "trials: many",
        "time: -1",
        "time: 0",
        "time: soon",
        "epochs: 0",
        "workers: 0",
        "search: gird",
        "pruner: axe",
        "precision: float16",
        "executor: slurm",
        "metric: f1",
        "objective: accuracy,macs",
        "objective: value",
        "objective: score,mac",
        "objective: [score, score]",
        "objective: []",
        "seed: -1",
        "image_size: 0",
        "image_size: 64x",
        "try: {blocks: 2}",
        "try: [{blcks: 2}]",
        "set: {batch_size: 0}",
        "data: 5",
    ],
)
def test_a_wrong_job_is_not_valid(tmp_path, line):
    assert errors(JOB, tmp_path, line)


def test_short_parts_stay_on_one_line():
    text = as_text({"a": [1, 2], "b": {"c": "x" * 120}})
    assert text == '{\n "a": [1, 2],\n "b": {\n  "c": "' + "x" * 120 + '"\n }\n}'
