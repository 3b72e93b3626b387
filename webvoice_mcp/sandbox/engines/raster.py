"""Picture files: read with care, written with the sandbox's mark in sight and in the metadata."""

import io
from typing import Any

from webvoice_mcp.sandbox.engines import InvalidInput
from webvoice_mcp.sandbox.engines.canvas import pillow

PROCEDURAL = "WEBVOICE SANDBOX - procedural, not AI generated"
FILTERED = "WEBVOICE SANDBOX - filters, not AI generated"

_READ = ("PNG", "JPEG", "WEBP", "GIF")
_MOST_PIXELS = 64_000_000  # of a picture that is sent in; a small file can hold far more
_LARGEST_SIDE = 2560  # of what is worked on
_NOT_A_PICTURE = "The image cannot be read: send PNG, JPEG, WebP or GIF."
_CREAM = (255, 246, 224, 255)
_SHORTEST_NOTE = 12  # characters
_SOFTWARE, _DESCRIPTION = 0x0131, 0x010E  # EXIF's numbers


def read(data: bytes) -> Any:
    """A picture that was sent in, upright, in RGB on white, and not larger than is useful here.

    Raises InvalidInput for what is no PNG, JPEG, WebP or GIF, and for one of too many pixels; EngineUnavailable.
    """
    image = pillow("Image")
    try:
        with image.open(io.BytesIO(data), formats=_READ) as opened:
            if opened.width * opened.height <= _MOST_PIXELS:
                return _upright(opened)
    except (image.DecompressionBombError, image.DecompressionBombWarning):
        pass  # more pixels than Pillow itself would read
    except Exception as error:  # on damaged files Pillow raises whatever its readers run into
        raise InvalidInput(_NOT_A_PICTURE) from error
    raise InvalidInput(f"The image has more than {_MOST_PIXELS // 10**6} million pixels.")


def _upright(opened: Any) -> Any:
    opened.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    turned = pillow("ImageOps").exif_transpose(opened).convert("RGBA")
    ground = pillow("Image").new("RGB", turned.size, "white")
    ground.paste(turned, mask=turned)
    return ground


def encode(picture: Any, kind: str, provider: str, claim: str = PROCEDURAL) -> bytes:
    """The picture as a "png", "jpeg" or "webp" whose metadata name the sandbox."""
    file = io.BytesIO()
    if kind == "png":
        info = pillow("PngImagePlugin").PngInfo()
        info.add_itxt("Software", f"webvoice-mcp {provider}")
        info.add_itxt("Comment", claim)
        picture.save(file, "PNG", pnginfo=info)
        return file.getvalue()
    exif = pillow("Image").Exif()
    exif[_SOFTWARE], exif[_DESCRIPTION] = f"webvoice-mcp {provider}", claim
    if kind == "jpeg":
        picture.save(file, "JPEG", quality=90, exif=exif, comment=claim.encode())
    else:
        picture.save(file, "WEBP", quality=88, method=2, exif=exif)
    return file.getvalue()


def sign(picture: Any, claim: str, note: str = "") -> None:
    """Write the claim across the foot of a picture, and a note at its right where there is room."""
    strip = banner(picture.size, claim, note)
    picture.paste(strip, (0, picture.height - strip.height), strip)


def label(picture: Any, text: str) -> None:
    """Write a text across the middle of a picture, where what cuts off its edges leaves it."""
    strip = banner(picture.size, "")
    font = pillow("ImageFont").load_default(strip.height * 0.48)
    at = (strip.width / 2, strip.height / 2)
    pillow("ImageDraw").Draw(strip).text(at, text, _CREAM, font, anchor="mm")
    picture.paste(strip, (0, (picture.height - strip.height) // 2), strip)


def banner(size: tuple[int, int], claim: str, note: str = "") -> Any:
    """The strip, in RGBA, that `sign` lays over the foot of a picture of this size."""
    image, draw, fonts = pillow("Image"), pillow("ImageDraw"), pillow("ImageFont")
    width, height = size[0], max(14, round(min(size) * 0.044))
    margin = height * 0.5
    font = fonts.load_default(height * 0.48)
    if (wide := font.getlength(claim)) > width - 2 * margin:
        font = fonts.load_default(max(4.0, height * 0.48 * (width - 2 * margin) / wide))
    strip = image.new("RGBA", (width, height), (12, 12, 20, 226))
    pen = draw.Draw(strip)
    pen.text((margin, height / 2), claim, _CREAM, font, anchor="lm")
    room = width - font.getlength(claim) - 4 * margin
    while len(note) > _SHORTEST_NOTE and font.getlength(note) > room:
        note = note[:-4].rstrip() + "..."
    if font.getlength(note) <= room:
        pen.text((width - margin, height / 2), note, (255, 246, 224, 170), font, anchor="rm")
    return strip
