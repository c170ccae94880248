import pytest

from pipeline.data.similar_names import similar_names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cat", "Cat"),
        ("cats", "cat"),
        ("golden retriever", "golden_retriever"),
        ("sunflower", "sunflowr"),
        ("sunflowr", "sunflower"),
        ("sunflower", "sunflowet"),
        ("sunflower", "sunflwoer"),
        ("Größe", "GRÖSSE"),
    ],
)
def test_alike(one, other):
    assert similar_names(["zebra", one, other]) == [(one, other)]


@pytest.mark.parametrize(("one", "other"), [("cat", "car"), ("house", "mouse"), ("class_1", "class_2"), ("_", "-")])
def test_not_alike(one, other):
    assert similar_names([one, other]) == []
