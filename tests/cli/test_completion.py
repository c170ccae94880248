"""``convtune completion``, in a real bash that is typed at."""

import os
import pty
import re
import selectors
import subprocess
import time

import pytest

from pipeline.cli import COMMANDS, main
from pipeline.job import SETTINGS

SHOW_WORDS = 'convtune() { echo; printf \'<%s>\' "$@"; echo " end $((++runs))"; }'
"""Stands for the command: it shows the words that it is given, and counts."""

TYPED = {
    "pro\t mine": ["promote", "mine"],
    "tune --image-s\t 64": ["tune", "--image-size", "64"],
    "tune --metric bal\t": ["tune", "--metric", "balanced_accuracy"],
    "tune --precision mixed_b\t": ["tune", "--precision", "mixed_bfloat16"],
    "tune --data fash\t": ["tune", "--data", "fashion_mnist"],
    "tune --data ph\t": ["tune", "--data", "photos/"],
    "tune --space goog\t": ["tune", "--space", "googlenet"],
    "tune --study mi\t": ["tune", "--study", "mine"],
    "trials oth\t": ["trials", "other one"],
    "trials --csv mi\t": ["trials", "--csv", "mine"],
    "predict mi\t photos/c\t": ["predict", "mine", "photos/cat.png"],
    "predict model.k\t": ["predict", "model.keras"],
    "evaluate mine --split tra\t": ["evaluate", "mine", "--split", "train"],
    "export mine --output pho\t": ["export", "mine", "--output", "photos/"],
    "spaces sh\t incep\t": ["spaces", "show", "inception.yaml"],
    "completion f\t": ["completion", "fish"],
}
"""What is typed, and the words that the command then gets."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("mine", "other one", "$(touch hacked)"):
        (tmp_path / "studies" / name).mkdir(parents=True)
        (tmp_path / "studies" / name / "job.yaml").touch()
    (tmp_path / "studies" / "not-a-study").mkdir()
    (tmp_path / "photos").mkdir()
    for name in ("photos/cat.png", "model.keras", "inception.yaml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def script(shell, capsys):
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


class Bash:
    """An interactive bash on a terminal of its own."""

    def __init__(self):
        self._terminal, side = pty.openpty()
        environment = os.environ | {"PS1": "", "TERM": "dumb", "INPUTRC": "/dev/null", "HISTFILE": "/dev/null"}
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"], stdin=side, stdout=side, stderr=side, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(side)

    def type(self, keys):
        os.write(self._terminal, keys.encode())

    def read_until(self, pattern):
        text, end = "", time.monotonic() + 20
        with selectors.DefaultSelector() as selector:
            selector.register(self._terminal, selectors.EVENT_READ)
            while not re.search(pattern, text):
                assert selector.select(max(0, end - time.monotonic())), f"no {pattern} in {text!r}"
                text += os.read(self._terminal, 4096).decode(errors="replace")
        return text

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)


@pytest.fixture
def bash(folder, capsys):
    (folder / "script").write_text(f"{script('bash', capsys)}\n{SHOW_WORDS}\n")
    shell = Bash()
    shell.type("source ./script; bind 'set bell-style none'\n")
    yield shell
    shell.close()


def test_bash_completes_what_is_typed(bash):
    for number, (keys, words) in enumerate(TYPED.items(), start=1):
        bash.type(f"convtune {keys}\n")
        shown = bash.read_until(rf"> end {number}\r")
        assert re.findall("<(.*?)>", shown) == words, keys


def test_bash_lists_the_studies_and_executes_no_name(bash, folder):
    bash.type("convtune promote \t\t")
    shown = bash.read_until("other one")
    bash.type("\x15convtune end\n")  # Ctrl-U: an empty line
    shown += bash.read_until("> end")
    assert "mine" in shown
    assert "$(touch hacked)" in shown
    assert "not-a-study" not in shown
    assert not (folder / "hacked").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_flag_is_in_the_script(shell, folder, capsys):
    text = script(shell, capsys)
    for name in COMMANDS:
        assert re.search(rf"\b{name}\b", text), name
    for setting in SETTINGS.values():
        assert setting.flag.removeprefix("--" if shell == "fish" else "") in text, setting.flag
    assert "@data" not in text
    assert "mnist5k" in text


def test_another_shell_is_refused_with_the_names_of_those_that_there_are(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["completion", "basch"])
    assert "expected one of bash, zsh, fish, did you mean 'bash'?, got 'basch'" in capsys.readouterr().err
