"""The captions of an explanation, which its page and its pictures share."""

from pipeline.explain.explanation import (
    ActivationMaps,
    ClassHeatmap,
    Explanation,
    Filters,
    ImageExplanation,
    ReceptiveField,
)
from pipeline.quantity import counted

_TOP_CLASSES = 10
"""Classes whose probability is shown as a bar."""

_NAMED_LAYERS = 3
"""The most layers without a known receptive field that a caption names."""


def describe_model(explanation: Explanation) -> str:
    """The numbers of parameters, convolutions and classes of the model, as a sentence."""
    count = len(explanation.images[0].activation_maps) if explanation.images else 0
    classes = f", {len(explanation.classes):,} classes" if explanation.classes else ""
    return f"{explanation.parameters:,} parameters, {counted(count, 'convolution')}{classes}."


def describe_prediction(explanation: Explanation, image: ImageExplanation) -> str:
    """The predicted class, and whether it is correct if the true class is known; "" without classes."""
    if image.predicted is None:
        return ""
    name, probability = explanation.classes[image.predicted], image.probabilities[image.predicted]
    text = f"predicted {name} ({probability:.2f})"
    if image.label is None:
        return text
    return f"correct: {text}" if image.correct else f"wrong: {text}, true class {explanation.classes[image.label]}"


def top_classes(explanation: Explanation, image: ImageExplanation) -> list[tuple[str, float]]:
    """Names and probabilities of at most 10 classes: the most probable ones, and the true class if it is known."""
    order = [int(index) for index in (-image.probabilities).argsort(kind="stable")]
    top = order[:_TOP_CLASSES]
    if image.label is not None and image.label not in top:
        top[-1] = image.label
    return [(explanation.classes[index], float(image.probabilities[index])) for index in top]


def describe_other_classes(explanation: Explanation) -> str:
    """How many classes are not among the top ones; "" if all are."""
    others = len(explanation.classes) - _TOP_CLASSES
    return f"and {others:,} more class{'es' if others > 1 else ''}" if others > 0 else ""


def describe_filters(filters: Filters) -> str:
    """Layer, number and size of the first filters."""
    height, width, channels, count = filters.kernels.shape
    number = f"{filters.count}" if count == filters.count else f"the first {count} of {filters.count}"
    depth = {1: "", 3: ", in colour"}.get(filters.depth, f", one row per channel ({filters.depth})")
    if 3 != filters.depth > channels:
        depth = f", one row per channel (the first {channels} of {filters.depth})"
    return f"{filters.layer}: {number} filters of {height}x{width}{depth}"


def describe_convolutions(image: ImageExplanation) -> str:
    """The heading above all activation maps, with the number of convolutions."""
    count = len(image.activation_maps)
    return f"Activation maps of {counted(count, 'convolution')}"


def describe_activation_maps(maps: ActivationMaps) -> str:
    """The layer, the layers applied after it, and the size, number and value range of the maps."""
    height, width, count = maps.values.shape
    after = f" after {' and '.join(maps.after)}" if maps.after else ""
    number = f"{maps.channels} channels" if count == maps.channels else f"the first {count} of {maps.channels} channels"
    low, high = maps.values.min(), maps.values.max()
    return f"{maps.layer}{after}: {height}x{width}, {number}, values {low:.2g} to {high:.2g}"


def describe_receptive_field(field: ReceptiveField) -> str:
    """The unit, and how many pixels can influence it."""
    height, width = field.map_size
    top, left, bottom, right = field.box
    text = (
        f"Receptive field of unit {field.unit.row},{field.unit.column} of the {height}x{width} map of "
        f"{field.unit.layer} (channel {field.channel}): {field.size[0]}x{field.size[1]} pixels"
    )
    if (clipped := (bottom - top, right - left)) != field.size:
        text += f", of which {clipped[0]}x{clipped[1]} lie in the image"
    if field.unknown_layers:
        more = len(field.unknown_layers) - _NAMED_LAYERS
        names = ", ".join(field.unknown_layers[:_NAMED_LAYERS]) + (f" and {more} more" if more > 0 else "")
        verb = "are" if len(field.unknown_layers) > 1 else "is"
        text += f"; an upper bound, as {names} {verb} assumed to see the whole input"
    return text


def describe_heatmap(explanation: Explanation, image: ImageExplanation, heatmap: ClassHeatmap) -> str:
    """The class and its probability."""
    text = f"{explanation.classes[heatmap.class_index]} ({image.probabilities[heatmap.class_index]:.2f})"
    return text if heatmap.values.max() > 0 else f"{text}: no evidence for it"
