"""Prints the files that ``convtune export`` has written: as a table, or as JSON."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.export.export import ExportResult
    from pipeline.study.model_metadata import ModelMetadata


def print_export(
    output: "Path", metadata: "ModelMetadata", results: "list[ExportResult]", source: str, as_json: bool, pushed: str
) -> None:
    """Prints the files, how each compares with the model on the images of ``source``, and what to do with them.

    ``pushed`` is a sentence about the model in the registry; "": it is not there.
    """
    from pipeline.errors import printable

    if as_json:
        import json
        from dataclasses import asdict

        files = [asdict(result) | {"path": str(output / result.file)} for result in results]
        content = {"folder": str(output), "trial": metadata.trial, "proven_on": source, "files": files} | (
            {"registered": pushed} if pushed else {}
        )
        print(json.dumps(content, indent=1, ensure_ascii=False))
        return
    from pipeline.console import show
    from pipeline.report.export_table import export_table

    score = "" if metadata.score is None else f", {metadata.metric} {metadata.score:.4f} on validation images"
    print(printable(f"Trial {metadata.trial} of study {metadata.study}{score}"))
    _print_wrapped(f"Each file run in its own runtime on {source}:")
    show(export_table(results))
    _print_next(output, results)
    if pushed:
        print(f"Model registry:  {pushed}")


def _print_wrapped(text: str) -> None:
    from textwrap import fill

    from pipeline.errors import printable

    print(fill(printable(text), 80, break_long_words=False, break_on_hyphens=False))


def _print_next(output: "Path", results: "list[ExportResult]") -> None:
    import shlex

    from pipeline.errors import printable
    from pipeline.export.export_folder import CARD, LABELS, READER, SIGNATURE, script_name
    from pipeline.export.formats import FORMATS

    print()
    _print_wrapped(f"{output}: also {LABELS}, {SIGNATURE}, {CARD}, and a script for each file with {READER}")
    for result in results:
        script = printable(shlex.quote(str(output / script_name(FORMATS[result.format].key))))
        print(f"Use it:  python {script} IMAGE...")
