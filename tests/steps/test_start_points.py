"""What a study tries first."""

import pytest

from pipeline.candidate import judge
from pipeline.errors import JobError
from pipeline.job.request import read_job
from pipeline.steps.requested_space import read_space
from pipeline.steps.start_points import choose_start_points
from pipeline.study.paths import locate

SPACE = """
family: plain
hyperparameters:
  blocks: {int: [1, 2]}
start_from: {small: {blocks: 1}, large: {blocks: 2}}
limits: {macs: 100_000}
"""


@pytest.fixture
def points(tmp_path, monkeypatch):
    """The points of a study on 8x8 digits with some flags."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text(SPACE)

    def choose(resumed=False, **flags):
        request = read_job(None, {"data": "digits", "study": "mine", "space": "own.yaml"} | flags)
        space = read_space(request, locate("mine"))
        return choose_start_points(space, lambda params: judge(space, params, (8, 8, 1), 10), request, resumed, 8)

    return choose


def test_start_points_over_a_limit_are_left_out_with_the_flag_that_trains_them(points):
    chosen = points()
    assert [candidate.params["blocks"] for candidate in chosen.candidates] == [1]
    (line,) = chosen.left_out
    assert line == "start points over a limit are left out: large; train them with --limit macs=none"


def test_limits_can_be_lifted_and_start_points_tried_by_name_each_once(points):
    chosen = points(**{"limit": LIFTED, "try": LARGE})
    assert [candidate.params["blocks"] for candidate in chosen.candidates] == [2, 1]
    assert chosen.sources == ("hand", "start point small")
    assert chosen.left_out == ()
    with pytest.raises(JobError, match=r"--try: macs: [\d,]+ is more than the limit of 100,000"):
        points(**{"try": LARGE})


def test_a_resumed_study_has_had_the_points_of_its_space(points):
    assert points(resumed=True).candidates == ()


LIFTED, LARGE = [{"macs": "none"}], ["large"]
"""Values of flags, as argparse parses them."""


def test_published_networks_are_a_flag_away(points):
    lines = points(space="resnet", limit=[{"macs": 100_000_000}]).left_out
    assert lines == (
        "start points over a limit are left out: resnet18, resnet34, resnet50, resnet101; train them with "
        "--limit parameters=none,macs=none, at the size that they are designed for with --image-size 224",
    )
