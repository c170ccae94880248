"""``convtune datasets``: the named datasets, and the other kinds of data that ``--data`` takes."""

import argparse

HELP = "list the named datasets"

EXAMPLES = ("convtune datasets", "convtune datasets --json")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags."""
    parser.add_argument("--json", action="store_true", help="print a JSON list, one object per dataset")


def run(args: argparse.Namespace) -> int:
    """Prints the list."""
    if args.json:
        _print_json()
    else:
        _print_table()
    return 0


def _print_json() -> None:
    import json
    from dataclasses import asdict

    from pipeline.data import NAMED_DATASETS

    print(json.dumps([asdict(dataset) for dataset in NAMED_DATASETS.values()], indent=1))


def _print_table() -> None:
    from rich.table import Table

    from pipeline.console import show
    from pipeline.data import NAMED_DATASETS

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for justify in ("left", "right", "right", "right", "left", "left"):
        table.add_column(justify=justify)
    for dataset in NAMED_DATASETS.values():
        size, origin = "x".join(map(str, dataset.shape)), "downloads" if dataset.download else "included"
        images, classes = f"{dataset.images:,} images", f"{dataset.classes} classes"
        table.add_row(dataset.name, size, images, classes, origin, dataset.description)
    show(table)
    print("\n--data also takes a folder of images (class/*.jpg, or train/ val/ test/ above")
    print("the classes) and an .npz file with x_train, y_train[, x_val, y_val][, x_test, y_test].")
    print("Try one:  convtune tune --data mnist5k --time 2m")
