import pytest

from pipeline.executors.devices import Gpu, _visible, environments, gpus

LISTING = "0, 8.0, NVIDIA A100, GPU-aaa\n1, 7.5, Tesla T4, GPU-bbb\n"


def test_every_card_counts_without_a_mask():
    assert _visible(LISTING, None) == [Gpu("0", "NVIDIA A100", 8.0), Gpu("1", "Tesla T4", 7.5)]


@pytest.mark.parametrize(
    ("mask", "names"), [("1", ["1"]), ("1,0", ["1", "0"]), ("", []), ("-1", []), ("GPU-bbb", ["1"])]
)
def test_cuda_visible_devices_is_honoured(mask, names):
    assert [card.index for card in _visible(LISTING, mask)] == names


def test_no_driver_means_no_card(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert gpus() == []


def test_cards_are_dealt_in_turn():
    cards = [Gpu("2", "x", 8.0), Gpu("5", "x", 8.0)]
    assert [env["CUDA_VISIBLE_DEVICES"] for env in environments(3, cards)] == ["2", "5", "2"]


def test_threads_are_divided_among_workers(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert {env["TF_NUM_INTRAOP_THREADS"] for env in environments(4, [])} == {"2"}
    assert "OMP_NUM_THREADS" not in environments(1, [])[0]
    assert {env["NPROC"] for env in environments(20, [])} == {"1"}
