"""Edits of pictures by the words of a prompt: filters, not a model."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from webvoice_mcp.sandbox.engines import picture, raster
from webvoice_mcp.sandbox.engines.raster import pillow

PROVIDER = "sandbox:filters-1"

_COLOUR = re.compile(r"#[0-9a-f]{6}\b|\b[a-z]+\b")
_NOT_TINTS = {"black", "white", "gray", "grey"}  # words for other changes
_CAPTION = re.compile(r"\b(?:text|caption|title|words?|write|says?|saying)\b[^\"“]*[\"“](.+?)[\"”]", re.IGNORECASE)
_NEW_BACKGROUND = re.compile(r"\b(?:replace|change|swap|new)\b.{0,20}\bback\s?ground", re.IGNORECASE)


def edit(
    inputs: Sequence[bytes | str], prompt: str, size: tuple[int, int], *, seed: int | None = None, kind: str = "png"
) -> bytes:
    """Return the inputs side by side as one picture file, with every change that the prompt names.

    Args:
        inputs: 1 to 4: the bytes of a picture, or the address of one, for which a stand-in is drawn.
        seed: decides, with the prompt, what is drawn where a background is replaced.
        kind: "png", "jpeg" or "webp".

    Raises InvalidInput for bytes that are no picture, EngineUnavailable.
    """
    opened = [picture.stand_in(source) if isinstance(source, str) else raster.read(source) for source in inputs]
    work, names = _side_by_side(opened, size), []
    if _NEW_BACKGROUND.search(prompt):
        work, names = _around_middle(work, picture.draw(prompt, size, seed)), ["background"]
    for name, change in _changes(prompt.lower()):
        work = change(work)
        names.append(name)
    for caption in _CAPTION.findall(prompt):
        raster.label(work, caption)
    raster.sign(work, raster.FILTERED, ", ".join(names))
    return raster.encode(work, kind, PROVIDER, raster.FILTERED)


def _side_by_side(pictures: Sequence[Any], size: tuple[int, int]) -> Any:
    """The first picture fills the left half, up to three more share the right one."""
    page, (width, height), others = pillow("ImageOps").fit(pictures[0], size), size, pictures[1:]
    if others:
        page.paste(pillow("ImageOps").fit(pictures[0], (width // 2, height)))
    for row, other in enumerate(others):
        top, bottom = height * row // len(others), height * (row + 1) // len(others)
        page.paste(pillow("ImageOps").fit(other, (width - width // 2, bottom - top)), (width // 2, top))
    return page


def _around_middle(work: Any, background: Any) -> Any:
    """The middle of one picture, where its subject should be, on another."""
    width, height = work.size
    mask = pillow("Image").new("L", work.size)
    pillow("ImageDraw").Draw(mask).ellipse((width * 0.2, height * 0.14, width * 0.8, height * 0.88), fill=255)
    return pillow("Image").composite(
        work, background, mask.filter(pillow("ImageFilter").BoxBlur(min(work.size) * 0.05))
    )


def _changes(prompt: str) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Yield the changes that a prompt names; one that names none gets more contrast."""
    image, ops, enhance, filters = (pillow(name) for name in ("Image", "ImageOps", "ImageEnhance", "ImageFilter"))
    colours, pixel = pillow("ImageColor").colormap, image.Resampling

    def tint(colour: str) -> Callable[[Any], Any]:
        return lambda work: image.blend(work, ops.colorize(ops.grayscale(work), "black", "white", mid=colour), 0.55)

    def draw_pixels(work: Any) -> Any:
        small = [max(1, side * 64 // min(work.size)) for side in work.size]
        return work.resize(small, pixel.BOX).quantize(32).convert("RGB").resize(work.size, pixel.NEAREST)

    changes: dict[str, Callable[[Any], Any]] = {
        "blur|bokeh|soft focus|dreamy": lambda work: work.filter(filters.GaussianBlur(min(work.size) * 0.012)),
        "sharp|crisp": lambda work: enhance.Sharpness(work).enhance(3.0),
        "mirror|flip": ops.mirror,
        "upside|rotate": lambda work: work.rotate(180),
        "pixel|8.?bit": draw_pixels,
        "paint|watercolou?r|oil": lambda work: work.filter(filters.ModeFilter(9)).filter(filters.SMOOTH),
        "cartoon|poster|comic": lambda work: ops.posterize(work.filter(filters.ModeFilter(7)), 2),
        "sketch|pencil|drawing": lambda work: ops.autocontrast(
            ops.invert(ops.grayscale(work.filter(filters.FIND_EDGES)))
        ),
        "invert|negative": ops.invert,
        "gr[ae]y|black and white|monochrom|noir": ops.grayscale,
        "sepia|vintage": lambda work: ops.colorize(ops.grayscale(work), "#2a180c", "#fff0d0", mid="#a0764e"),
        "bright|lighter": lambda work: enhance.Brightness(work).enhance(1.3),
        "dark|night": lambda work: enhance.Brightness(work).enhance(0.55),
        "vivid|vibrant|saturat|colou?rful": lambda work: enhance.Color(work).enhance(1.8),
        "warm|sunset": tint("#ffa440"),
        "cool|cold|winter": tint("#4084ff"),
        "border|frame": lambda work: ops.fit(ops.expand(work, min(work.size) // 20, "#faf6ec"), work.size),
    }
    found = [(words.split("|")[0], change) for words, change in changes.items() if re.search(rf"\b(?:{words})", prompt)]
    names = [name for name in _COLOUR.findall(prompt) if name[0] == "#" or name in colours.keys() - _NOT_TINTS]
    found += [(name, tint(name)) for name in names]
    for name, change in found or [("contrast", lambda work: enhance.Contrast(work).enhance(1.3))]:
        yield name, lambda work, change=change: change(work).convert("RGB")
