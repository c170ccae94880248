"""Measures what exports give back: one trained network of each family, in every format.

    python bench/exports.py DATA [--epochs 8] [--image-size 64] [--keep]

DATA is a folder of photographs by class. For each space one named point is trained by ``convtune tune`` and exported by
``convtune export`` to every format, each run in its own runtime on up to 500 images of DATA. Prints the size of each
file, the largest difference of a probability from the model's, the share of images with the same class, and the change
of accuracy. ``--keep`` writes bench/results/exports.json. Takes about 6 minutes for 240 photographs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from families import POINTS
from machine import keep, machine

from pipeline.export.formats import FORMATS

_AGAIN = ("--json", "--force", "--format")
EXPORTS = (
    (*_AGAIN, "keras,saved-model,onnx,litert"),
    (*_AGAIN, "onnx,litert", "--precision", "float16", "--quantize", "float16"),
    (*_AGAIN, "litert", "--quantize", "int8"),
)
"""The flags that ask for all formats, some in the place of others."""


def main() -> None:
    """Parses the arguments, trains, exports, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA", type=Path)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    print(machine())
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        for space, point in POINTS.items():
            flags = ("--epochs", str(args.epochs), "--image-size", str(args.image_size), "--limit", "macs=none")
            words = ("--space", space, "--try", point, "--trials", "1", "--seed", "0", "--study", space, *flags)
            convtune(Path(folder), "tune", "--data", str(args.data.resolve()), *words)
            exports = [json.loads(convtune(Path(folder), "export", space, *words)) for words in EXPORTS]
            files = [file for export in exports for file in export["files"]]
            assert {file["format"] for file in files} == set(FORMATS)
            measured[space] = {"point": point, "proven_on": exports[0]["proven_on"], "files": files}
            for file in files:
                print(describe(space, file), flush=True)
    if args.keep:
        keep({"epochs": args.epochs, "image_size": args.image_size, "spaces": measured})


def describe(space: str, file: dict[str, Any]) -> str:
    """One line for a file."""
    change = file["accuracy"] - file["accuracy_of_model"]
    numbers = (
        f"{file['bytes'] / 1e6:6.2f} MB  difference {file['difference']:8.1e}  same class {file['agreement']:7.2%}"
    )
    return f"{space:10}  {file['format']:15}  {numbers}  accuracy {file['accuracy_of_model']:.4f} {change:+.4f}"


def convtune(folder: Path, *words: str) -> str:
    """Runs a command in ``folder`` and returns what it prints."""
    root = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-m", "pipeline", *words]
    ran = subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        sys.exit(ran.stderr)
    return ran.stdout


if __name__ == "__main__":
    main()
