import argparse

import pytest
import yaml

from pipeline.cli import tune
from pipeline.errors import JobError, StudyError
from pipeline.files import write_text
from pipeline.job import Job, name_study, read_job
from pipeline.job.request import read_stored_job
from pipeline.study.paths import locate


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(*words):
    """The request of a command line."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    tune.arguments(parser)
    flags = vars(parser.parse_args(words))
    flags = {name: value for name, value in flags.items() if name not in ("quiet", "verbose", "retry_failed")}
    return read_job(flags.pop("job"), flags)


def begin(name, **settings):
    job = Job("digits", **settings)
    write_text(locate(name).job, yaml.safe_dump(job.as_file()))


def test_a_flag_that_is_not_given_takes_its_default():
    request = ask("--data", "digits", "--space", "", "--trials", "", "--try", "", "--set", "")
    assert request.job == Job("digits")
    assert request.given == {"data"}


def test_a_flag_wins_over_the_file_and_one_that_is_not_given_does_not(here):
    (here / "job.yaml").write_text("data: a\nepochs: 5\nseed: 3\n")
    assert ask("job.yaml", "--epochs", "7", "--seed", "").job == Job("a", epochs=7, seed=3)


def test_repeated_flags_are_merged():
    words = ["--data", "d", "--try", "a=1", "--try", "b", "--set", "b=x", "--set", "c=1e-4", "--limit", "macs=5"]
    job = ask(*words).job
    assert job == Job("d", attempts=({"a": 1}, "b"), fixed=(("b", "x"), ("c", 1e-4)), limits=(("macs", 5),))


def test_what_a_job_file_gives_counts_as_given_beside_flags_that_are_not(here):
    (here / "job.yaml").write_text("data: x\ntry: [{blocks: 2}]\nspace: grid\nseed:\n")
    request = ask("job.yaml", "--data", "digits", "--study", "mine", "--trials", "5")
    assert request.given == {"data", "try", "space", "study", "trials"}
    assert request.job == Job("digits", space="grid", study="mine", trials=5, attempts=({"blocks": 2},))


def test_the_job_of_a_study_has_the_time_that_its_next_run_does_not_keep():
    begin("mine", time=1500.0, trials=9)
    assert "time: 25m\n" in locate("mine").job.read_text()
    assert read_stored_job(locate("mine")) == Job("digits", time=1500.0, trials=9)
    assert ask("--study", "mine").job.time is None
    locate("mine").job.write_text("space: own.yaml\n")
    with pytest.raises(JobError, match="--data is missing"):
        read_stored_job(locate("mine"))


def test_a_study_that_goes_on_keeps_its_settings():
    begin("mine", space="own.yaml", epochs=3, metric="f1_macro")
    request = ask("--study", "mine", "--trials", "9")
    assert request.job == Job("digits", space="own.yaml", epochs=3, metric="f1_macro", study="mine", trials=9)
    assert request.given == {"study", "trials"}


def test_the_address_of_a_cluster_is_kept_for_its_own_executor():
    begin("mine", executor="ray", ray_address="head:6379")
    assert ask("--study", "mine").job.ray_address == ask("--study", "mine", "--executor", "ray").job.ray_address != ""
    assert ask("--study", "mine", "--executor", "local").job == Job("digits", study="mine")


def test_a_flag_and_a_file_win_over_an_earlier_run(here):
    begin("mine", epochs=3, seed=1, workers=4)
    (here / "job.yaml").write_text("study: mine\nepochs: 5\nworkers: 2\n")
    assert ask("job.yaml", "--workers", "1").job == Job("digits", epochs=5, seed=1, study="mine", workers=1)


def test_the_time_of_one_run_does_not_bound_the_next():
    begin("mine", time=600.0, epochs=3)
    job = ask("--study", "mine").job
    assert (job.time, job.epochs) == (None, 3)
    assert ask("studies/mine/job.yaml").job.time == 600


@pytest.mark.parametrize(
    ("file", "flags", "kept"),
    [
        ("image_size: 32\nepochs: 5\nlimit: {macs: 5M, parameters: 9}", "--time 40s", "image_size, epochs, limit as"),
        ("epochs: 5\nlimit: {parameters: 9}", "--time 40s", "epochs as"),
        ("image_size: 32\nepochs: 5", "--time 40s --epochs 3", "image_size as"),
        ("epochs: 5", "--time 10m", ""),
        ("epochs: 5", "--trials 3", ""),
        ("limit: {parameters: 9}", "--time 40s", ""),
    ],
)
def test_what_a_file_has_for_its_own_time_is_named_where_another_wins(here, file, flags, kept):
    (here / "job.yaml").write_text(f"data: x\ntime: 600s\n{file}\n")
    note = ask("job.yaml", *flags.split()).note
    assert note.startswith(f"note: job.yaml: {kept} written beside its time of 10m; put # before") == bool(kept)
    assert note.endswith(" to have tune plan anew for 40s") == bool(note) == bool(kept)


def test_only_a_time_of_the_file_can_be_another(here):
    (here / "job.yaml").write_text("data: x\nepochs: 5\n")
    assert ask("job.yaml", "--time", "40s").note == ""


def test_the_data_is_needed(here):
    (here / "job.yaml").write_text("trials: 3\n")
    for words in ([], ["--data", ""], ["job.yaml"]):
        with pytest.raises(JobError, match=r"^--data is missing; .*`convtune datasets`$"):
            ask(*words)


def test_an_unknown_study_without_data_is_told_how_one_begins():
    begin("mine")
    with pytest.raises(StudyError, match=r"unknown study 'mime'.*'mine'.*; to start one, add --data$"):
        ask("--study", "mime")
    assert ask("--study", "mime", "--data", "d").job == Job("d", study="mime")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("epochs: 0", "epochs: expected a whole number from 1, got 0"),
        ("epoch: 3", "unknown key 'epoch', did you mean 'epochs'\\?; keys are data, "),
        ("metric: f1_makro", "metric: expected one of accuracy, .*, did you mean 'f1_macro'\\?, got 'f1_makro'"),
        ("objective: macs", "objective: expected score among them, .*, got 'macs'"),
        ("objective: accuracy", "objective: 'accuracy' is called 'score' here, .*metric: accuracy\\), got 'accuracy'"),
        ("try: [{}]", "try: expected a mapping"),
        ("image_size: big", "image_size: expected a size in pixels"),
    ],
)
def test_an_error_names_the_file_and_the_key(here, line, message):
    (here / "job.yaml").write_text(f"data: d\n{line}\n")
    with pytest.raises(JobError, match=rf"^job\.yaml: {message}") as error:
        ask("job.yaml")
    assert "\n" not in str(error.value)


def test_the_job_of_a_study_from_before_scores_says_what_its_objective_is_called_now():
    write_text(locate("old").job, "data: digits\nobjective: accuracy,macs\n")
    with pytest.raises(JobError, match=r"^studies/old/job\.yaml: objective: 'accuracy' is called 'score' here"):
        ask("--study", "old")


def test_a_study_whose_job_is_damaged_is_a_fault_of_the_study():
    write_text(locate("mine").job, "data: [\n")
    with pytest.raises(StudyError, match=r"^studies/mine/job\.yaml: line 2, "):
        ask("--study", "mine")


def test_flags_are_parsed_by_argparse_alone():
    for words in (["--epochs", "0"], ["--objective", "macs"], ["--image-size", "big"], ["--try", " "]):
        with pytest.raises(argparse.ArgumentError, match="expected"):
            ask(*words)


@pytest.mark.parametrize(
    ("job", "path"),
    [
        (Job("photos", study="mine"), "studies/mine"),
        (Job("photos", study="a/b"), "a/b"),
        (Job("digits"), "studies/digits-quick-1"),
        (Job("my photos/", space="spaces/wide.yaml"), "studies/my-photos-wide-1"),
        (Job("data.npz", space="tuned.py:build"), "studies/data-tuned-build-1"),
        (Job("photo\udcff\n"), "studies/photo--quick-1"),
    ],
)
def test_a_study_is_named_after_its_data_and_its_space(job, path):
    assert name_study(job).path.as_posix() == path


def test_a_new_name_is_unused():
    begin("digits-quick-1")
    assert name_study(Job("digits")) == locate("digits-quick-2")
