"""The captions of a look at a network: the same in its page and its pictures."""

from pipeline.training.look.seen import Field, Filters, Heat, Look, Maps, Sight

_SHOWN = 10
"""Classes that get a bar."""


def verdict(look: Look, sight: Sight) -> str:
    """What the image was taken for, and whether that is right where that is known; "" without classes."""
    if not len(sight.shares):
        return ""
    taken = int(sight.shares.argmax())
    text = f"taken for {look.classes[taken]} ({sight.shares[taken]:.2f})"
    if sight.label is None:
        return text
    return f"{'right' if taken == sight.label else 'wrong'}: {text}, it is {look.classes[sight.label]}"


def bars(look: Look, sight: Sight) -> list[tuple[str, float]]:
    """The classes with the largest shares, at most 10, and their shares; the true one is among them if it is known."""
    order = [int(place) for place in (-sight.shares).argsort(kind="stable")]
    shown = order[:_SHOWN]
    if sight.label is not None and sight.label not in shown:
        shown[-1] = sight.label
    return [(look.classes[place], float(sight.shares[place])) for place in shown]


def more_bars(look: Look) -> str:
    """How many classes have no bar."""
    rest = len(look.classes) - _SHOWN
    return f"and {rest:,} more class{'es' if rest > 1 else ''}" if rest > 0 else ""


def of_filters(filters: Filters) -> str:
    """Layer, size and number."""
    height, width, shown_channels, shown = filters.kernels.shape
    count = f"{filters.count}" if shown == filters.count else f"the first {shown} of {filters.count}"
    depth = {1: "", 3: ", in colour"}.get(filters.depth, f", a row for each of {filters.depth} channels")
    if 3 != filters.depth > shown_channels:
        depth = f", a row for each of the first {shown_channels} of {filters.depth} channels"
    return f"{filters.layer}: {count} filters of {height}x{width}{depth}"


def of_all_maps(sight: Sight) -> str:
    """Their number."""
    count = len(sight.maps)
    return f"Activation maps of {count} convolution{'s' if count != 1 else ''}"


def of_maps(maps: Maps) -> str:
    """Layer, what follows it, size and number."""
    height, width, shown = maps.values.shape
    after = f" after {' and '.join(maps.after)}" if maps.after else ""
    count = f"{maps.channels} channels" if shown == maps.channels else f"the first {shown} of {maps.channels} channels"
    low, high = maps.values.min(), maps.values.max()
    return f"{maps.layer}{after}: {height}x{width}, {count}, values {low:.2g} to {high:.2g}"


def of_field(field: Field) -> str:
    """Which unit sees how much."""
    height, width = field.size
    top, left, bottom, right = field.box
    text = (
        f"Unit {field.unit.row},{field.unit.column} of the {height}x{width} map of {field.unit.layer} "
        f"(channel {field.channel}) sees {field.side[0]}x{field.side[1]} pixels"
    )
    if (inside := (bottom - top, right - left)) != field.side:
        text += f", of which {inside[0]}x{inside[1]} lie in the image"
    if field.unknown:
        text += (
            f"; at most: {', '.join(field.unknown[:3])} {'are' if len(field.unknown) > 1 else 'is'} taken to see all"
        )
    return text


def of_heat(look: Look, sight: Sight, heat: Heat) -> str:
    """Class and share."""
    text = f"{look.classes[heat.position]} ({sight.shares[heat.position]:.2f})"
    return text if heat.values.max() > 0 else f"{text}: no place speaks for it"
