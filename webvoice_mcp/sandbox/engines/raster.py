"""Picture files: read with care, written with the sandbox's mark in sight and in the metadata."""

import io
from typing import Any

from webvoice_mcp.sandbox.engines import BadInput
from webvoice_mcp.sandbox.engines.canvas import pillow

PROCEDURAL = "WEBVOICE SANDBOX - procedural, not AI generated"
FILTERED = "WEBVOICE SANDBOX - filters, not AI generated"

_READ = ("PNG", "JPEG", "WEBP", "GIF")
_MOST_PIXELS = 64_000_000  # of a picture that is sent in; a small file can hold far more
_LARGEST_SIDE = 2560  # of what is worked on
_NOT_A_PICTURE = "The image cannot be read: send PNG, JPEG, WebP or GIF."
_SOFTWARE, _DESCRIPTION = 0x0131, 0x010E  # EXIF's numbers


def read(data: bytes) -> Any:
    """A picture that was sent in, upright, in RGB on white, and not larger than is useful here.

    Raises BadInput for what is no PNG, JPEG, WebP or GIF, and for one of too many pixels; EngineMissing.
    """
    image, ops = pillow("Image"), pillow("ImageOps")
    try:
        with image.open(io.BytesIO(data), formats=_READ) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise image.DecompressionBombError
            opened.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
            upright = ops.exif_transpose(opened).convert("RGBA")
    except (image.DecompressionBombError, image.DecompressionBombWarning) as error:
        raise BadInput(f"The image has more than {_MOST_PIXELS // 10**6} million pixels.") from error
    except Exception as error:
        raise BadInput(_NOT_A_PICTURE) from error
    ground = image.new("RGB", upright.size, "white")
    ground.paste(upright, mask=upright)
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


def banner(size: tuple[int, int], claim: str, note: str = "") -> Any:
    """The strip, in RGBA, that `sign` lays over the foot of a picture of this size."""
    image, draw, fonts = pillow("Image"), pillow("ImageDraw"), pillow("ImageFont")
    width, height = size[0], max(14, round(min(size) * 0.044))
    margin = height * 0.5
    font = fonts.load_default(height * 0.48)
    if (wide := font.getlength(claim)) > width - 2 * margin:
        font = fonts.load_default(max(4.0, height * 0.48 * (width - 2 * margin) / wide))
    strip = image.new("RGBA", (width, height), (12, 12, 20, 150))
    pen = draw.Draw(strip)
    pen.text((margin, height / 2), claim, (255, 246, 224, 255), font, anchor="lm")
    if note and font.getlength(claim) + font.getlength(note) + 4 * margin < width:
        pen.text((width - margin, height / 2), note, (255, 246, 224, 170), font, anchor="rm")
    return strip
