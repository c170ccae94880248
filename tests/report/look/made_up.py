"""A look at no network."""

import numpy as np

from pipeline.training.look.seen import Field, Filters, Heat, Look, Maps, Sight, Unit


def sight(title="photo.png", label=None, size=(20, 10), channels=3, classes=12, **changes):
    random = np.random.default_rng(len(title))
    shares = random.random(classes, np.float32)
    heats = [Heat("act", place, random.random((5, 3), np.float32)) for place in range(min(classes, 3))]
    if heats:
        heats[-1] = Heat("act", heats[-1].position, np.zeros((5, 3), np.float32))
    values = {
        "title": title,
        "image": random.integers(0, 256, (*size, channels), np.uint8),
        "shares": shares / max(shares.sum(), 1),
        "maps": (Maps("conv", ("norm", "act"), random.random((5, 3, 20), np.float32), 40),),
        "field": Field(Unit("conv", 1, 2), (5, 3), 7, (4, 2, 12, 10), (9, 9)),
        "heats": tuple(heats),
        "label": label,
    }
    return Sight(**values | changes)


def look(*sights, depth=3, count=4, classes=12):
    kernels = np.linspace(-1, 1, 3 * 3 * depth * count, dtype=np.float32).reshape(3, 3, depth, count)
    names = tuple(f"<class {number}>" for number in range(classes))
    return Look("m.keras", names, 1234, Filters("conv", kernels, count, depth), sights or (sight(),), ("A note.",))
