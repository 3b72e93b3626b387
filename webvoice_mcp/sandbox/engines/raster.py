"""Picture files: read with care, written with the sandbox's mark in sight and in the metadata."""

import io
import re
from typing import Any

from webvoice_mcp.sandbox.engines import InvalidInput, load

PROCEDURAL = "WEBVOICE SANDBOX - procedural, not AI generated"
FILTERED = "WEBVOICE SANDBOX - filters, not AI generated"

_READABLE = ("PNG", "JPEG", "WEBP", "GIF")
_MAX_PIXELS = 64_000_000  # of a picture that is sent in; a small file can hold far more
_MAX_SIDE = 2560  # of a picture that is worked on
_MAX_NOTE_CHARACTERS = 60
_UNPRINTABLE = re.compile(r"[^ -~]+")  # by Pillow's own font
_SOFTWARE, _DESCRIPTION = 0x0131, 0x010E  # EXIF tags


def pillow(module: str) -> Any:
    """Import a module of Pillow, such as "Image". Raises EngineUnavailable."""
    return load(f"PIL.{module}", "pillow")


def read(data: bytes) -> Any:
    """Return a picture that was sent in, upright, in RGB on white, its sides at most 2560 pixels.

    Raises InvalidInput for anything but PNG, JPEG, WebP and GIF, and for too many pixels; EngineUnavailable.
    """
    image = pillow("Image")
    try:
        with image.open(io.BytesIO(data), formats=_READABLE) as opened:
            if opened.width * opened.height <= _MAX_PIXELS:
                opened.thumbnail((_MAX_SIDE, _MAX_SIDE))
                upright = pillow("ImageOps").exif_transpose(opened).convert("RGBA")
                return image.alpha_composite(image.new("RGBA", upright.size, "white"), upright).convert("RGB")
    except (image.DecompressionBombError, image.DecompressionBombWarning):
        pass  # more pixels than Pillow itself would read
    except Exception as error:  # on damaged files Pillow raises whatever its readers run into
        raise InvalidInput("The image cannot be read: send PNG, JPEG, WebP or GIF.") from error
    raise InvalidInput(f"The image has more than {_MAX_PIXELS // 10**6} million pixels.")


def encode(picture: Any, kind: str, provider: str, claim: str = PROCEDURAL) -> bytes:
    """Return the picture as a "png", "jpeg" or "webp" file whose metadata name the sandbox."""
    file, software = io.BytesIO(), f"webvoice-mcp {provider}"
    info, exif = pillow("PngImagePlugin").PngInfo(), pillow("Image").Exif()
    info.add_itxt("Software", software)
    info.add_itxt("Comment", claim)
    exif[_SOFTWARE], exif[_DESCRIPTION] = software, claim
    metadata = {"pnginfo": info} if kind == "png" else {"exif": exif, "comment": claim.encode()}
    picture.save(file, kind, quality=90, method=2, **metadata)
    return file.getvalue()


def sign(picture: Any, claim: str, note: str = "", *, at_foot: bool = True) -> None:
    """Write a claim across the foot or the middle of a picture, and a note at its right where there is room."""
    strip = banner(picture.size, claim, note)
    picture.paste(strip, (0, (picture.height - strip.height) // (1 if at_foot else 2)), strip)


def banner(size: tuple[int, int], claim: str, note: str = "") -> Any:
    """Return the strip, in RGBA, that `sign` lays over a picture of this size."""
    width, height = size[0], max(14, round(min(size) * 0.044))
    strip = pillow("Image").new("RGBA", (width, height), (12, 12, 20, 226))
    draw, load_font = pillow("ImageDraw").Draw(strip), pillow("ImageFont").load_default
    claim, note = (_UNPRINTABLE.sub(" ", text)[:_MAX_NOTE_CHARACTERS] for text in (claim, note))
    font = load_font(height * 0.48)
    font = load_font(max(4.0, height * 0.48 * min(1.0, (width - height) / font.getlength(claim))))
    draw.text((height / 2, height / 2), claim, "#fff6e0", font, anchor="lm")
    if font.getlength(claim + note) < width - 3 * height:
        draw.text((width - height / 2, height / 2), note, "#fff6e0aa", font, anchor="rm")
    return strip
