"""Pictures that a chat model drew: out of its message, into files."""

import base64
from typing import Any

from webvoice_mcp.contract.chat import Message
from webvoice_mcp.errors import FileError, InvalidResponse
from webvoice_mcp.files import Files, SavedFile

_MOST = 64


async def keep_pictures(message: Message, files: Files, tool: str) -> tuple[tuple[SavedFile, ...], str]:
    """Save the pictures of an answer in the output folder; the files, and what the user should know ("" = nothing).

    A picture that cannot be kept never stands in the way of the text, which was paid for, too.
    """
    saved: list[SavedFile] = []
    notes: list[str] = []
    urls = _urls(message)
    for url in urls[:_MOST]:
        if url.lower().startswith(("http://", "https://")):
            notes.append(f"A picture came as a link; fetch it yourself: {url}")
            continue
        try:
            prefix = tool.removeprefix("webvoice_")
            kept = sum(each.size_bytes for each in saved)
            saved.append(await files.save(_decoded(url), prefix=prefix, name_from=message.text, already_saved=kept))
        except (FileError, InvalidResponse) as error:
            notes.append(f"A picture came that could not be kept: {error}")
    if len(urls) > _MOST:
        notes.append(f"{len(urls)} pictures came, of which {_MOST} were kept.")
    return tuple(saved), " ".join(notes)


def _urls(message: Message) -> list[str]:
    """Where the pictures are: beside the text, or among its parts."""
    beside = (message.model_extra or {}).get("images")
    parts: list[Any] = [each for listed in (beside, message.content) if isinstance(listed, list) for each in listed]
    images = [part.get("image_url") for part in parts if isinstance(part, dict)]
    urls = [image.get("url") if isinstance(image, dict) else image for image in images]
    return [url for url in urls if isinstance(url, str)]


def _decoded(url: str) -> bytes:
    encoded = "".join((url.partition(",")[2] or url).split())
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        raise InvalidResponse("It is neither base64 nor a link.") from None
