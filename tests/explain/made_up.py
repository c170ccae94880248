"""An explanation without a model."""

import numpy as np

from pipeline.explain.explanation import (
    ActivationMaps,
    ClassHeatmap,
    Explanation,
    Filters,
    ImageExplanation,
    ReceptiveField,
    Unit,
)


def make_image(title="photo.png", label=None, size=(20, 10), channels=3, classes=12, **changes):
    random = np.random.default_rng(len(title))
    scores = random.random(classes, np.float32)
    heatmaps = [ClassHeatmap("act", index, random.random((5, 3), np.float32)) for index in range(min(classes, 3))]
    if heatmaps:
        heatmaps[-1] = ClassHeatmap("act", heatmaps[-1].class_index, np.zeros((5, 3), np.float32))
    fields = {
        "title": title,
        "image": random.integers(0, 256, (*size, channels), np.uint8),
        "probabilities": scores / max(scores.sum(), 1),
        "activation_maps": (ActivationMaps("conv", ("norm", "act"), random.random((5, 3, 20), np.float32), 40),),
        "receptive_field": ReceptiveField(Unit("conv", 1, 2), (5, 3), 7, (4, 2, 12, 10), (9, 9)),
        "heatmaps": tuple(heatmaps),
        "label": label,
    }
    return ImageExplanation(**fields | changes)


def make_explanation(*images, depth=3, count=4, classes=12):
    kernels = np.linspace(-1, 1, 3 * 3 * depth * count, dtype=np.float32).reshape(3, 3, depth, count)
    names = tuple(f"<class {number}>" for number in range(classes))
    return Explanation(
        "m.keras", names, 1234, Filters("conv", kernels, count, depth), images or (make_image(),), ("A note.",)
    )
