"""The table of commands: each has a help that ends with examples which can be typed."""

import argparse
import inspect
import re
import shlex

import pytest

import pipeline.cli
from pipeline.cli import COMMANDS, build_parser, main
from pipeline.cli.help import WIDTH

EXAMPLES = [("", example) for example in pipeline.cli.EXAMPLES]
EXAMPLES += [(name, example) for name, command in COMMANDS.items() for example in command.EXAMPLES]


def words_for_convtune(example):
    """The words that the command gets from the shell: without a comment, a redirection or a substitution around it."""
    inner = re.sub(r'^eval "\$\((.*?)\)"', r"\1", example)
    program, *words = shlex.split(re.split(r" [>|#] ?", inner)[0])
    assert program == "convtune"
    return words


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_offers_what_the_table_promises(name):
    """The table imports modules by name, so that no type checker compares them with ``Command``."""
    (parser,) = inspect.signature(COMMANDS[name].arguments, eval_str=True).parameters.values()
    run = inspect.signature(COMMANDS[name].run, eval_str=True)
    assert parser.annotation is argparse.ArgumentParser
    assert [one.annotation for one in run.parameters.values()] == [argparse.Namespace]
    assert run.return_annotation is int


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_one_or_two_examples_and_a_short_help(name):
    assert 1 <= len(COMMANDS[name].EXAMPLES) <= 2
    assert COMMANDS[name].HELP.strip().rstrip(".") == COMMANDS[name].HELP


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_an_example_fits_a_terminal_and_is_a_command_that_the_parser_takes(name, example, capsys):
    assert len(example) <= WIDTH
    words = words_for_convtune(example)
    if "--help" in words:
        with pytest.raises(SystemExit, match="0"):
            main(words)
    else:
        command = build_parser().parse_args(words).command
        assert command == name if name else command in COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_ends_with_the_examples_and_where_to_read_more(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    lines = capsys.readouterr().out.splitlines()
    examples = [f"  {example}" for example in COMMANDS[name].EXAMPLES]
    assert lines[-len(examples) - 3 : -2] == ["examples:", *examples]
    assert lines[-1].startswith("more: ")
    assert max(map(len, lines[-len(examples) - 3 :])) <= 80


@pytest.mark.parametrize(("name", "one"), [("predict", "some of the files"), ("tune", "no trial left a model")])
def test_the_help_says_what_the_exit_code_1_means(name, one, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("exit code: ")]
    assert f" 1 {one}" in line
    assert len(line) <= WIDTH


@pytest.mark.parametrize("example", [*COMMANDS["spaces"].EXAMPLES, COMMANDS["datasets"].EXAMPLES[0]])
def test_an_example_that_needs_no_study_runs(example, capsys):
    assert main(words_for_convtune(example)) == 0
    assert capsys.readouterr().out
