"""Images without pixels, for plans."""


class Images:
    """What a plan needs of a dataset: the shape of square images, and classes."""

    def __init__(self, side, channels=3, classes=10):
        self.shape, self.classes = (side, side, channels), tuple(map(str, range(classes)))
