"""Space files: the shipped ones, broken; what can still be read is drawn from, and the networks are judged."""

from itertools import islice
from pathlib import Path

from hypothesis import strategies as st

from bench.fuzz.mutate import broken_bytes, broken_text
from pipeline import space as spaces
from pipeline.candidate import judge
from pipeline.space.sample import sample

_SHIPPED = sorted((Path(__file__).parents[2] / "search_spaces").glob("*.yaml"))


def cases(folder: Path) -> st.SearchStrategy[bytes]:
    """Contents of a file."""
    texts = [file.read_text(encoding="utf-8") for file in _SHIPPED]
    bare = ["\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")) for text in texts]
    words = st.sampled_from(bare).flatmap(broken_text).map(lambda text: text.encode("utf-8", "surrogatepass"))
    return words | st.sampled_from(bare).map(str.encode).flatmap(broken_bytes)


def read(case: bytes, folder: Path) -> str:
    """Reads a file with the content, and judges three points."""
    file = folder / "space.yaml"
    file.write_bytes(case)
    space = spaces.load(str(file))
    for params in islice(sample(space), 3):
        judge(space, params, (24, 32, 3), 7, latency=lambda architecture: 1.0)
    return "read"
