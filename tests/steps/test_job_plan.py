import re
from dataclasses import replace

import pytest

from pipeline.data import load
from pipeline.data.form import Pictures
from pipeline.errors import DataError, SpaceError
from pipeline.job.request import read_job
from pipeline.steps.job_plan import JobPlanner, fill_in_time
from pipeline.steps.networks import NetworkSizes

PHOTOS = Pictures(480, 640, 3, images=2_000, classes=4)
RATE = 1.6e10


@pytest.fixture(scope="module")
def digits():
    """1,797 images of 8x8 pixels, 1,257 of them for training."""
    return load("digits", fetch=lambda name, folder: None)


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def planner(own_size=None, rate=lambda: RATE, check=lambda shape, classes: None, **flags):
    return JobPlanner(fill_in_time(read_job(None, {"data": "d"} | flags)), own_size, rate, check)


SIZES = NetworkSizes(1000, (1e6, 2e6, 6e6, 1e9), limited=False)


def plan(digits, sizes=SIZES, pictures=PHOTOS, rate=lambda: RATE / 10, **settings):
    """The planned job and its line on a slower machine, for digits that claim to be other images."""
    planning = planner(rate=rate, **settings)
    planning.choose_size(pictures)
    return planning.complete(digits, sizes)


def fails():
    raise AssertionError("nothing here depends on the rate")


def test_all_that_is_open_is_planned_and_said(digits):
    planned = plan(digits)
    job = planned.job
    assert (job.space, job.time, job.trials, job.image_size, job.epochs) == ("quick", 600.0, None, (8, 8), 21)
    assert dict(job.limits)["macs"] == 1_500_000
    assert planned.line == (
        "1,797 pictures of 480x640: space quick at 8x8, networks up to 1.5 M MACs, about 11 full trainings of "
        "21 epochs in 10 min; change with --space, --time, --epochs, --limit macs=N, --image-size"
    )


def test_the_size_follows_from_the_images_and_the_rate():
    assert planner().choose_size(PHOTOS) == (36, 48)
    assert planner(rate=lambda: 1.6e13).choose_size(PHOTOS) == (112, 144)
    assert planner(rate=lambda: 1.6e6).choose_size(PHOTOS) == (28, 36)
    assert planner(time=6000.0).choose_size(PHOTOS) == (72, 88)


@pytest.mark.parametrize(
    ("flags", "name", "value"),
    [
        ({"epochs": 3}, "epochs", 3),
        ({"time": 60.0}, "time", 60.0),
        ({"trials": 7}, "trials", 7),
        ({"space": "vgg"}, "space", "vgg"),
    ],
    ids=lambda value: str(value),
)
def test_what_is_given_stays_and_the_rest_is_planned(digits, flags, name, value):
    job = plan(digits, **flags).job
    assert getattr(job, name) == value
    assert job.image_size == (8, 8)
    assert "macs" in dict(job.limits)


def test_a_given_size_is_not_planned_and_not_named_among_the_flags(digits):
    planned = plan(digits, own_size=(8, 8))
    assert planned.job.image_size is None  # the job has it already, or the HyperModel does
    assert "--image-size" not in planned.line
    assert "--epochs" in planned.line


def test_no_limit_is_planned_where_there_is_one_or_none_is_wanted(digits):
    planned = plan(digits, replace(SIZES, limited=True), limit=[{"macs": "none"}])
    assert dict(planned.job.limits) == {"macs": "none"}
    assert "MACs" not in planned.line
    assert "--limit" not in planned.line


def test_the_rate_is_only_measured_where_it_matters(digits):
    planned = plan(digits, sizes=None, own_size=(8, 8), rate=fails)
    assert planned.line.endswith("trials of 21 epochs for 10 min; change with --space, --time, --epochs")
    assert plan(digits, sizes=None, own_size=(8, 8), rate=fails, epochs=2).line == ""
    limited = {"sizes": replace(SIZES, limited=True), "own_size": (8, 8), "epochs": 2}
    assert plan(digits, **limited, rate=fails, trials=5).seconds_per_mac is None
    assert plan(digits, **limited, trials=5, time=60.0).seconds_per_mac > 0  # decides which trials fit


def test_trials_without_a_time_are_forecast_by_their_length(digits):
    assert ", 50 trials of 21 epochs in at most about 44 min;" in plan(digits, trials=50).line
    assert plan(digits, trials=50).job.time is None


def test_a_grid_has_no_time_and_no_number_of_trials(digits):
    planned = plan(digits, search="grid")
    assert planned.job.time is planned.job.trials is None
    assert re.search(r"trials of 21 epochs, about \d+ s each", planned.line)


def test_a_few_trials_that_end_early_are_not_more_than_asked_for(digits):
    assert ", 2 trials of 40 epochs in 10 min;" in plan(digits, trials=2, time=600.0).line


def test_images_without_content_are_refused_unless_their_size_is_asked_for():
    dots = Pictures(1, 1, 3, images=40, classes=2)
    with pytest.raises(DataError, match="1x1 pixels, too small to show anything; enlarge them with --image-size 32"):
        planner().choose_size(dots)
    assert planner(own_size=(1, 1)).choose_size(dots) == (1, 1)


def test_an_hour_is_for_the_wide_space():
    assert fill_in_time(read_job(None, {"data": "d", "time": 7200.0})).job.space == "plain"
    assert fill_in_time(read_job(None, {"data": "d", "time": 7200.0, "space": "vgg"})).job.space == "vgg"


def test_a_study_that_has_begun_keeps_its_space_and_gets_time_anew(tmp_path):
    (tmp_path / "studies" / "mine").mkdir(parents=True)
    (tmp_path / "studies" / "mine" / "job.yaml").write_text("data: d\nspace: vgg\n")
    job = fill_in_time(read_job(None, {"study": "mine", "time": None})).job
    assert (job.space, job.time) == ("vgg", 600.0)
    (tmp_path / "studies" / "mine" / "job.yaml").write_text("data: d\nspace: vgg\ntrials: 5\n")
    assert fill_in_time(read_job(None, {"study": "mine"})).job.time is None


def test_what_cannot_be_trained_even_at_the_smallest_size_is_refused_before_anything_is_measured():
    def refuse(shape, classes):
        assert (shape, classes) == ((28, 36, 3), 4)
        raise SpaceError("nothing fits")

    with pytest.raises(SpaceError, match="nothing fits"):
        planner(rate=fails, check=refuse).choose_size(PHOTOS)


def test_a_training_that_does_not_fit_is_said(digits):
    line = plan(digits, NetworkSizes(1e12, (1e12,), limited=False), time=60.0).line
    assert ", 1 min, though one full training of 21 epochs takes about 191 d;" in line


def test_one_trial_of_one_epoch_is_in_the_singular(digits):
    assert ", 1 trial of 1 epoch in at most about" in plan(digits, trials=1, epochs=1).line
