"""Edits pictures with filters, which the words of a prompt choose; there is no model."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from webvoice_mcp.sandbox.engines import picture, raster
from webvoice_mcp.sandbox.engines.raster import pillow

PROVIDER = "sandbox:filters-1"

_COLOUR = re.compile(r"#[0-9a-f]{6}\b|\b(?!black|white|gr[ae]y)[a-z]+\b")
_CAPTION = re.compile(r"\b(?:text|caption|title|words?|write|says?|saying)\b[^\"“]*[\"“](.+?)[\"”]", re.IGNORECASE)


def edit(
    inputs: Sequence[bytes | str], prompt: str, size: tuple[int, int], *, seed: int | None = None, kind: str = "png"
) -> bytes:
    """Return one picture file that shows the inputs side by side, with every change that the prompt names.

    Args:
        inputs: 1 to 4 pictures. An item is a picture's bytes, or its address, for which a stand-in is drawn.
        seed: for the new picture if a background is replaced.
        kind: "png", "jpeg" or "webp".

    Raises:
        InvalidInput: an input's bytes are not a picture.
        EngineUnavailable: a package is missing.
    """
    opened = [picture.stand_in(source) if isinstance(source, str) else raster.read(source) for source in inputs]
    work, names = _side_by_side(opened, size), []
    for words, change in _changes(prompt, seed):
        work = change(work).convert("RGB")
        names.append(words.split("|")[0])
    for caption in _CAPTION.findall(prompt):
        raster.add_banner(work, caption, at_bottom=False)
    raster.add_banner(work, raster.FILTERED, ", ".join(names))
    return raster.encode(work, kind, PROVIDER, raster.FILTERED)


def _side_by_side(pictures: Sequence[Any], size: tuple[int, int]) -> Any:
    """Return one picture: the first input fills the left half, and up to three others share the right half."""
    fit, (width, height), others = pillow("ImageOps").fit, size, pictures[1:]
    page = fit(pictures[0], size)
    if others:
        page.paste(fit(pictures[0], (width // 2, height)))
    for row, other in enumerate(others):
        top, bottom = height * row // len(others), height * (row + 1) // len(others)
        page.paste(fit(other, (width - width // 2, bottom - top)), (width // 2, top))
    return page


def _changes(prompt: str, seed: int | None) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Yield name and function of each change that a prompt names; if it names none, yield more contrast."""
    image, ops, enhance, filters = (pillow(name) for name in ("Image", "ImageOps", "ImageEnhance", "ImageFilter"))

    def tint(colour: str) -> Callable[[Any], Any]:
        return lambda work: image.blend(work, ops.colorize(ops.grayscale(work), "black", "white", mid=colour), 0.55)

    def pixelate(work: Any) -> Any:
        small = work.resize([side * 40 // min(work.size) for side in work.size], image.Resampling.BOX).quantize(32)
        return small.convert("RGB").resize(work.size, image.Resampling.NEAREST)

    def replace_background(work: Any) -> Any:
        mask, other = image.radial_gradient("L").resize(work.size), picture.draw(prompt, work.size, seed)
        return image.composite(other, work, mask.point(lambda value: min(max(value * 6 - 600, 0), 255)))

    changes: dict[str, Callable[[Any], Any]] = {
        r"(?:replace|change|swap|new)\b.*\bbackground": replace_background,
        "blur|bokeh|soft|dreamy": lambda work: work.filter(filters.GaussianBlur(min(work.size) * 0.012)),
        "mirror|flip": ops.mirror,
        "pixel|8.?bit": pixelate,
        "paint|cartoon|watercolou?r": lambda work: ops.posterize(work.filter(filters.ModeFilter(9)), 3),
        "sketch|pencil": lambda work: ops.autocontrast(ops.invert(ops.grayscale(work).filter(filters.FIND_EDGES))),
        "gr[ae]y|black and white|monochrom": ops.grayscale,
        "sepia|vintage": lambda work: ops.colorize(ops.grayscale(work), "#2a180c", "#fff0d0", mid="#a0764e"),
        "bright|lighter": lambda work: enhance.Brightness(work).enhance(1.3),
        "dark|night": lambda work: enhance.Brightness(work).enhance(0.55),
        "border|frame": lambda work: ops.fit(ops.expand(work, min(work.size) // 20, "#faf6ec"), work.size),
    }
    changes = {words: change for words, change in changes.items() if re.search(rf"\b(?:{words})", prompt.lower())}
    known = pillow("ImageColor").colormap
    changes |= {name: tint(name) for name in _COLOUR.findall(prompt.lower()) if name[0] == "#" or name in known}
    yield from changes.items() or [("contrast", lambda work: enhance.Contrast(work).enhance(1.3))]
