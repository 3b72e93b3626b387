"""Reads picture files from clients, and writes picture files with the sandbox's mark, visible and in the metadata."""

import io
import re
from typing import Any

from webvoice_mcp.sandbox.engines import InvalidInput, load

PROCEDURAL = "WEBVOICE SANDBOX - procedural, not AI generated"
FILTERED = "WEBVOICE SANDBOX - filters, not AI generated"

_READABLE = ("PNG", "JPEG", "WEBP", "GIF")
_MAX_PIXELS = 64_000_000  # of a picture that is sent in; even a small file can have far more
_MAX_SIDE = 2560  # a larger picture is scaled down first
_MAX_NOTE_CHARACTERS = 60
_UNPRINTABLE = re.compile(r"[^ -~]+")  # characters that Pillow's own font does not have
_SOFTWARE, _DESCRIPTION = 0x0131, 0x010E  # EXIF tags


def pillow(module: str) -> Any:
    """Import a module of Pillow, such as "Image".

    Raises:
        EngineUnavailable: Pillow is not installed.
    """
    return load(f"PIL.{module}", "pillow")


def read(data: bytes) -> Any:
    """Return a picture that was sent in: upright, in RGB on white, with at most 2560 pixels on each side.

    Raises:
        InvalidInput: it is not PNG, JPEG, WebP or GIF, or it has too many pixels.
        EngineUnavailable: Pillow is not installed.
    """
    image = pillow("Image")
    try:
        with image.open(io.BytesIO(data), formats=_READABLE) as opened:
            if opened.width * opened.height <= _MAX_PIXELS:
                opened.thumbnail((_MAX_SIDE, _MAX_SIDE))
                upright = pillow("ImageOps").exif_transpose(opened).convert("RGBA")
                return image.alpha_composite(image.new("RGBA", upright.size, "white"), upright).convert("RGB")
    except (image.DecompressionBombError, image.DecompressionBombWarning):
        pass  # it has more pixels than Pillow accepts
    except Exception as error:  # for damaged files, Pillow raises errors of many types
        raise InvalidInput("The image cannot be read. Send PNG, JPEG, WebP or GIF.") from error
    raise InvalidInput(f"The image has more than {_MAX_PIXELS // 10**6} million pixels. Send a smaller one.")


def encode(picture: Any, kind: str, provider: str, mark: str = PROCEDURAL) -> bytes:
    """Return the picture as a "png", "jpeg" or "webp" file whose metadata name the sandbox."""
    file, software = io.BytesIO(), f"webvoice-mcp {provider}"
    info, exif = pillow("PngImagePlugin").PngInfo(), pillow("Image").Exif()
    info.add_itxt("Software", software)
    info.add_itxt("Comment", mark)
    exif[_SOFTWARE], exif[_DESCRIPTION] = software, mark
    metadata = {"pnginfo": info} if kind == "png" else {"exif": exif, "comment": mark.encode()}
    picture.save(file, kind, quality=90, method=2, **metadata)
    return file.getvalue()


def add_banner(picture: Any, text: str, note: str = "", *, at_bottom: bool = True) -> None:
    """Put a banner across the bottom or the middle of a picture, with a note at its right if there is space."""
    strip = banner(picture.size, text, note)
    picture.paste(strip, (0, (picture.height - strip.height) // (1 if at_bottom else 2)), strip)


def banner(size: tuple[int, int], text: str, note: str = "") -> Any:
    """Return the banner for a picture of this size, as an RGBA image."""
    width, height = size[0], max(14, round(min(size) * 0.044))
    strip = pillow("Image").new("RGBA", (width, height), (12, 12, 20, 226))
    draw, load_font = pillow("ImageDraw").Draw(strip), pillow("ImageFont").load_default
    text, note = (_UNPRINTABLE.sub(" ", part)[:_MAX_NOTE_CHARACTERS] for part in (text, note))
    font = load_font(height * 0.48)
    font = load_font(max(4.0, height * 0.48 * min(1.0, (width - height) / font.getlength(text))))
    draw.text((height / 2, height / 2), text, "#fff6e0", font, anchor="lm")
    if font.getlength(text + note) < width - 3 * height:
        draw.text((width - height / 2, height / 2), note, "#fff6e0aa", font, anchor="rm")
    return strip
