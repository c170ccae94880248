"""``convtune datasets``: the named datasets, and what else ``--data`` takes."""

import argparse

HELP = "list the named datasets"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The form of the list."""
    parser.add_argument("--json", action="store_true", help="print a JSON list, an object a dataset")


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

    from pipeline.data import NAMED

    print(json.dumps([asdict(one) for one in NAMED.values()], indent=1))


def _print_table() -> None:
    from rich.table import Table

    from pipeline.data import NAMED
    from pipeline.printing import show

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for justify in ("left", "right", "right", "right", "left", "left"):
        table.add_column(justify=justify)
    for one in NAMED.values():
        height, width, channels = one.shape
        shape, source = f"{height}x{width}x{channels}", "downloads" if one.download else "included"
        table.add_row(one.name, shape, f"{one.images:,} images", f"{one.classes} classes", source, one.description)
    show(table)
    print("\n--data also takes a folder of images (class/*.jpg, or train/ val/ test/ above the classes)")
    print("and an .npz file with x_train, y_train[, x_val, y_val][, x_test, y_test].")
