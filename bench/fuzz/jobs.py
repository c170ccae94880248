"""Job files: one with every setting, broken."""

from pathlib import Path

from hypothesis import strategies as st

from bench.fuzz.mutate import VALUES, WORDS, broken_bytes, broken_text
from pipeline.job.job import SETTINGS, Job
from pipeline.job.request import name_study, read_job
from pipeline.steps.job_text import commented_job
from pipeline.yaml_file import dump


def cases(folder: Path) -> st.SearchStrategy[bytes]:
    """Contents of a file."""
    text = commented_job(Job("photos"), "", {}, {})
    lines = [line.removeprefix("# ") for line in text.splitlines()]
    whole = "\n".join(line for line in lines if line.partition(":")[0] in SETTINGS)
    values = st.dictionaries(st.sampled_from([*SETTINGS, *WORDS]), VALUES, max_size=4)
    return st.one_of(
        broken_text(whole).map(_encode),
        broken_bytes(whole.encode()),
        values.map(lambda content: _encode(dump({"data": "photos", **content}))),
    )


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def read(case: bytes, folder: Path) -> str:
    """Reads a file with the content, as ``convtune tune FILE`` does."""
    file = folder / "job.yaml"
    file.write_bytes(case)
    name_study(read_job(str(file), {}).job)
    return "read"
