import pytest

from pipeline.executors.devices import environments, gpus

SETTINGS = """CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER OMP_NUM_THREADS NPROC
TF_FORCE_GPU_ALLOW_GROWTH TF_NUM_INTRAOP_THREADS TF_NUM_INTEROP_THREADS XLA_PYTHON_CLIENT_PREALLOCATE"""


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    """The inline executor sets some of these in its process, which may be this one."""
    for name in SETTINGS.split():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Stands in for ``nvidia-smi``: prints what it is given."""

    def says(text: str) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\nprintf '{text}'\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return says


@pytest.mark.parametrize(
    ("listing", "cards"),
    [("0\\n1\\n", ["0", "1"]), ("", []), ("[N/A]\\n1\\n", ["1"]), ("No devices were found\\n", [])],
)
def test_every_card_counts_without_a_mask(driver, listing, cards):
    driver(listing)
    assert gpus() == cards


@pytest.mark.parametrize(
    ("mask", "cards"),
    [
        ("1", ["1"]),
        ("3, 0", ["3", "0"]),
        ("", []),
        ("-1", []),
        ("0,-1,2", ["0"]),
        ("GPU-aaa,MIG-bbb", ["GPU-aaa", "MIG-bbb"]),
    ],
)
def test_the_users_mask_is_taken_at_its_word(driver, monkeypatch, mask, cards):
    driver("0\\n")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", mask)
    assert gpus() == cards


def test_no_driver_means_no_card(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert gpus() == []


def test_cards_are_dealt_in_turn():
    assert [env["CUDA_VISIBLE_DEVICES"] for env in environments(3, ["2", "GPU-a"])] == ["2", "GPU-a", "2"]


def test_cards_are_counted_as_nvidia_smi_does_unless_the_user_counts_them(monkeypatch):
    assert environments(1, ["0"])[0]["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert "CUDA_DEVICE_ORDER" not in environments(1, ["0"])[0]


def test_what_the_user_has_set_stays(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "true")
    settings = environments(2, [])[0]
    assert not {"OMP_NUM_THREADS", "XLA_PYTHON_CLIENT_PREALLOCATE"} & set(settings)
    assert settings["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"


def test_threads_are_divided_among_workers(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert {env["TF_NUM_INTRAOP_THREADS"] for env in environments(4, [])} == {"2"}
    assert "OMP_NUM_THREADS" not in environments(1, [])[0]
    assert {env["NPROC"] for env in environments(20, [])} == {"1"}
