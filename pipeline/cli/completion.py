"""``convtune completion``: a script that makes a shell complete what is typed after ``convtune``."""

import argparse
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping

HELP = "print the script that makes a shell complete commands, flags and names"

EXAMPLES = (
    'eval "$(convtune completion bash)"  # in ~/.bashrc; with zsh in ~/.zshrc',
    "convtune completion fish > ~/.config/fish/completions/convtune.fish",
)

_KINDS = {"STUDY": "study", "MODEL": "study", "DATA": "data", "SPACE": "space"}
"""Words for arguments that take names of studies, datasets or search spaces, beside files."""

_FILES, _FOLDERS = {"FILE", "PATH", "YAML"}, {"DIR", "FOLDER"}
"""Words in the placeholder of a flag that takes a file, or a folder."""

_COMPLETERS = {"bash": "_convtune_{kind}_or_file", "zsh": "_convtune_{kind}", "fish": "(_convtune_{kind})"}
"""The functions that complete a name or a file. In bash the name must have ``_file`` in it: then shtab lets bash quote
what the function yields, and put a / behind a folder."""

_SCRIPTS = {
    "bash": """
_convtune_study() {
  local job
  for job in studies/*/job.yaml; do
    [[ -f $job ]] && job=${job%/job.yaml} && printf '%s\\n' "${job#studies/}"
  done
}
_convtune_data() { printf '%s\\n' @data; }
_convtune_space() { printf '%s\\n' @space; }
_convtune_or_file() {
  local name
  while IFS= read -r name; do [[ $name == "$1"* ]] && printf '%s\\n' "$name"; done
  compgen -f -- "$1"
}
_convtune_study_or_file() { _convtune_study | _convtune_or_file "$1"; }
_convtune_data_or_file() { _convtune_data | _convtune_or_file "$1"; }
_convtune_space_or_file() { _convtune_space | _convtune_or_file "$1"; }
""",
    "zsh": """
_convtune_study() { local -a names=(studies/*/job.yaml(N:h:t)); compadd -a names; _files }
_convtune_data() { compadd @data; _files }
_convtune_space() { compadd @space; _files }
""",
    "fish": """
function _convtune_study
  for job in studies/*/job.yaml
    string split -r -m2 / -- $job | sed -n 2p
  end
  __fish_complete_path (commandline -ct)
end
function _convtune_data; printf '%s\\n' @data; __fish_complete_path (commandline -ct); end
function _convtune_space; printf '%s\\n' @space; __fish_complete_path (commandline -ct); end
""",
}
"""The functions of each shell; ``@data`` and ``@space`` stand for names."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the shell."""
    parser.add_argument("shell", choices=tuple(_SCRIPTS), help="the shell that reads the script")


def run(args: argparse.Namespace) -> int:
    """Prints the script, made from the parser of all commands."""
    import shtab

    from pipeline.data import NAMED_DATASETS
    from pipeline.space import available

    for parser in _parsers(args.parser):
        for action in parser._actions:
            _mark(action)
    names = {"data": NAMED_DATASETS, "space": [name for name, _ in available()]}
    print(shtab.complete(args.parser, args.shell, preamble=_with_names(_SCRIPTS[args.shell], names)))
    return 0


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser, and those of all commands below it."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _parsers(command)


def _mark(action: argparse.Action) -> None:
    """Tells shtab what the values of an argument are, as far as its placeholder says it.

    ``adam|sgd`` are choices, ``DIR`` is a folder; whatever else stands without a flag is a file.
    """
    import shtab

    placeholder = action.metavar if isinstance(action.metavar, str) else ""
    if action.choices is not None or action.nargs == 0:
        return
    words = set(re.findall("[A-Z]+", f"{placeholder} {action.dest}".upper()))
    if re.fullmatch(r"[a-z0-9_.]+(\|[a-z0-9_.]+)+", placeholder):
        action.choices = placeholder.split("|")
    elif kinds := [kind for word, kind in _KINDS.items() if word in words]:
        completers = {shell: completer.format(kind=kinds[0]) for shell, completer in _COMPLETERS.items()}
        action.complete = completers  # type: ignore[attr-defined]
    elif words & _FOLDERS:
        action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    elif words & _FILES or not action.option_strings:
        action.complete = shtab.FILE  # type: ignore[attr-defined]


def _with_names(script: str, names: Mapping[str, Iterable[str]]) -> str:
    """The script with the names of each kind, quoted, in their place."""
    return re.sub(r"@(\w+)", lambda match: shlex.join(names[match[1]]), script)
