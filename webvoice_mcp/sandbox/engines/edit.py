"""Edits of pictures by the words of a prompt: filters, not a model."""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from webvoice_mcp.sandbox.engines import picture, raster
from webvoice_mcp.sandbox.engines.canvas import pillow
from webvoice_mcp.sandbox.engines.palette import Colour, rgb

PROVIDER = "sandbox:filters-1"

_TINT = re.compile(r"#([0-9a-f]{6})\b", re.IGNORECASE)
_TINT_SHARE = 0.55


def edit(
    inputs: Sequence[bytes | str], prompt: str, size: tuple[int, int], *, seed: int | None = None, kind: str = "png"
) -> bytes:
    """The inputs side by side as one picture file, with every filter that the prompt names; the first is the largest.

    Args:
        inputs: 1 to 4: the bytes of a picture, or the address of one, for which a stand-in is drawn.
        seed: decides, with the prompt, what is drawn where a background is replaced.
        kind: "png", "jpeg" or "webp".

    Raises InvalidInput for bytes that are no picture, EngineUnavailable.
    """
    work = _collage([picture.stand_in(each) if isinstance(each, str) else raster.read(each) for each in inputs], size)
    names = []
    for name, pattern, change in _FILTERS:
        if pattern.search(prompt):
            work = change(work, prompt, seed)
            names.append(name)
    for tint in _TINT.findall(prompt):
        work = _tinted(work, rgb(tint))
        names.append(f"#{tint}")
    if not names:
        work = pillow("ImageEnhance").Contrast(work).enhance(1.3)
        names.append("contrast")
    raster.sign(work, raster.FILTERED, ", ".join(names))
    return raster.encode(work, kind, PROVIDER, raster.FILTERED)


def _collage(pictures: list[Any], size: tuple[int, int]) -> Any:
    """The first picture fills the left, up to three more share the right."""
    ops, image = pillow("ImageOps"), pillow("Image")
    if len(pictures) == 1:
        return ops.fit(pictures[0], size, image.Resampling.LANCZOS)
    width, height = size
    left, rows = round(width * 0.5 if len(pictures) == 2 else width * 0.62), len(pictures) - 1
    page = image.new("RGB", size)
    page.paste(ops.fit(pictures[0], (left, height), image.Resampling.LANCZOS))
    for row, each in enumerate(pictures[1:]):
        top, bottom = height * row // rows, height * (row + 1) // rows
        page.paste(ops.fit(each, (width - left, bottom - top), image.Resampling.LANCZOS), (left, top))
    return page


Change = Callable[[Any, str, int | None], Any]


def _enhanced(what: str, factor: float) -> Change:
    return lambda work, _prompt, _seed: getattr(pillow("ImageEnhance"), what)(work).enhance(factor)


def _ops(name: str, *values: int) -> Change:
    return lambda work, _prompt, _seed: getattr(pillow("ImageOps"), name)(work, *values)


def _grey(work: Any, _prompt: str, _seed: int | None) -> Any:
    return pillow("ImageOps").grayscale(work).convert("RGB")


def _sepia(work: Any, _prompt: str, _seed: int | None) -> Any:
    ops = pillow("ImageOps")
    return ops.colorize(ops.grayscale(work), (42, 24, 12), (255, 240, 208), mid=(160, 118, 78))


def _blurred(work: Any, _prompt: str, _seed: int | None) -> Any:
    return work.filter(pillow("ImageFilter").GaussianBlur(min(work.size) * 0.012))


def _background_blurred(work: Any, _prompt: str, _seed: int | None) -> Any:
    return _around_subject(work, work.filter(pillow("ImageFilter").GaussianBlur(min(work.size) * 0.022)))


def _background_replaced(work: Any, prompt: str, seed: int | None) -> Any:
    return _around_subject(work, picture.draw(prompt, work.size, seed))


def _around_subject(work: Any, other: Any) -> Any:
    """The middle of one picture, where its subject should be, on another."""
    image, (width, height) = pillow("Image"), work.size
    mask = image.new("L", work.size)
    pillow("ImageDraw").Draw(mask).ellipse((width * 0.2, height * 0.14, width * 0.8, height * 0.88), fill=255)
    return image.composite(work, other, mask.filter(pillow("ImageFilter").BoxBlur(min(work.size) * 0.05)))


def _sketch(work: Any, _prompt: str, _seed: int | None) -> Any:
    """A pencil drawing: the grey picture, divided by itself blurred."""
    ops, maths = pillow("ImageOps"), pillow("ImageMath")
    grey = ops.grayscale(work)
    soft = grey.filter(pillow("ImageFilter").GaussianBlur(max(2.0, min(work.size) * 0.006)))
    divided = maths.lambda_eval(lambda of: of["min"](of["grey"] * 250 / (of["soft"] + 1), 255), grey=grey, soft=soft)
    return ops.colorize(divided.convert("L").point(lambda each: max(0, 255 - (255 - each) * 2)), (48, 46, 52), "white")


def _cartoon(work: Any, _prompt: str, _seed: int | None) -> Any:
    ops, filters, chops = pillow("ImageOps"), pillow("ImageFilter"), pillow("ImageChops")
    calm = work.filter(filters.MedianFilter(3)).filter(filters.SMOOTH)
    flat = ops.posterize(calm, 3).filter(filters.SMOOTH)
    lines = ops.grayscale(calm).filter(filters.FIND_EDGES).point(lambda each: 0 if each > 28 else 255).convert("RGB")
    return pillow("ImageEnhance").Color(chops.multiply(flat, lines)).enhance(1.5)


def _painted(work: Any, _prompt: str, _seed: int | None) -> Any:
    filters, half = pillow("ImageFilter"), (max(1, work.width // 2), max(1, work.height // 2))
    dabs = work.resize(half).filter(filters.ModeFilter(7)).filter(filters.SMOOTH)
    return pillow("ImageEnhance").Color(dabs.resize(work.size, pillow("Image").Resampling.BICUBIC)).enhance(1.25)


def _pixels(work: Any, _prompt: str, _seed: int | None) -> Any:
    sampling, block = pillow("Image").Resampling, max(4, min(work.size) // 64)
    small = (max(1, work.width // block), max(1, work.height // block))
    return work.resize(small, sampling.BOX).quantize(32).convert("RGB").resize(work.size, sampling.NEAREST)


def _washed(colour: Colour) -> Change:
    def change(work: Any, _prompt: str, _seed: int | None) -> Any:
        wash = pillow("Image").new("RGB", work.size, colour)
        return pillow("Image").blend(work, pillow("ImageChops").soft_light(work, wash), 0.85)

    return change


def _tinted(work: Any, colour: Colour) -> Any:
    ops = pillow("ImageOps")
    tinted = ops.colorize(ops.grayscale(work), "black", "white", mid=colour)
    return pillow("Image").blend(work, tinted, _TINT_SHARE)


def _turned(work: Any, _prompt: str, _seed: int | None) -> Any:
    return work.rotate(180)


def _noisy(work: Any, prompt: str, seed: int | None) -> Any:
    image, rng = pillow("Image"), Random(f"{seed}\n{prompt}")  # noqa: S311 - chance for a picture, not for a secret
    noise = image.frombytes("L", work.size, rng.randbytes(work.width * work.height)).convert("RGB")
    return image.blend(work, noise, 0.12)


def _filter(name: str, words: str, change: Change) -> tuple[str, re.Pattern[str], Change]:
    return name, re.compile(rf"\b(?:{words})", re.IGNORECASE), change


# In the order in which they are applied: first what is seen, then how it is drawn, then its light and colour.
_FILTERS = (
    _filter("background", r"(?:replace|change|swap|new) (?:the )?back\s?ground", _background_replaced),
    _filter("background blurred", r"blur\w* (?:the )?back\s?ground|bokeh|shallow depth", _background_blurred),
    _filter("blur", r"blur\w*(?! (?:the )?back\s?ground)\b|soft focus|dreamy", _blurred),
    _filter("sharpened", "sharp|crisp|detail", _enhanced("Sharpness", 3.0)),
    _filter("flipped", "flip|mirror", _ops("mirror")),
    _filter("turned", "upside|rotate", _turned),
    _filter("cartoon", "cartoon|comic|pop art|anime", _cartoon),
    _filter("painting", "paint|oil|watercolou?r|impressionis", _painted),
    _filter("sketch", "sketch|pencil|drawing|line art", _sketch),
    _filter("pixels", r"pixel|8.?bit|retro game", _pixels),
    _filter("poster", "poster", _ops("posterize", 2)),
    _filter("solarized", "solari", _ops("solarize")),
    _filter("inverted", "invert|negative", _ops("invert")),
    _filter("grey", "gr[ae]y|black and white|monochrom|noir|b&w", _grey),
    _filter("sepia", "sepia|vintage|old photo|antique", _sepia),
    _filter("brighter", "bright|sunny|lighter", _enhanced("Brightness", 1.3)),
    _filter("darker", "dark|night|moody", _enhanced("Brightness", 0.55)),
    _filter("vivid", "vivid|vibrant|saturat|colou?rful", _enhanced("Color", 1.8)),
    _filter("warm", "warm|golden|sunset|autumn", _washed((255, 164, 64))),
    _filter("cool", "cool|cold|winter|icy", _washed((64, 132, 255))),
    _filter("grain", "grain|film look|analog", _noisy),
)
