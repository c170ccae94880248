import pytest
import spaces

FILES = sorted(spaces.SPACES.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_figures_replace_those_of_the_header_and_nothing_else(file):
    text = file.read_text(encoding="utf-8")
    changed = spaces.with_figures(text, "99.9", "test accuracy 0.1")
    before, after = text.splitlines(), changed.splitlines()
    assert [line.split(":")[0] for line, other in zip(before, after, strict=True) if line != other] == [
        "# minutes",
        "# score",
    ]
    assert "\n# minutes:  99.9 on " in changed
    assert "\n# score:    test accuracy 0.1\n" in changed
    assert [line.partition("seed 0")[2] for line in before] == [line.partition("seed 0")[2] for line in after]
