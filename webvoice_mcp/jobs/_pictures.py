"""Pictures inside a text reply, saved as files."""

import base64
from collections.abc import Sequence

from webvoice_mcp.errors import FileError, InvalidResponse
from webvoice_mcp.files import Files, SavedFile

_MAX_PICTURES = 64


async def save_pictures(urls: Sequence[str], files: Files, *, name_from: str) -> tuple[tuple[SavedFile, ...], str]:
    """Save pictures in the output folder; return the files, and a note for the user, "" for none.

    A picture that cannot be saved never costs the user the text, which was paid for too.

    Args:
        urls: `data:` URLs, bare base64, or http links.
        name_from: text whose first words show in the files' names.
    """
    saved: list[SavedFile] = []
    notes: list[str] = []
    for url in urls[:_MAX_PICTURES]:
        if url.lower().startswith(("http://", "https://")):
            notes.append(f"A picture came as a link; fetch it yourself: {url}")
            continue
        try:
            size = sum(file.size_bytes for file in saved)
            file = await files.save(_decode(url), prefix="chat", name_from=name_from, already_saved=size)
        except (FileError, InvalidResponse) as error:
            notes.append(f"A picture could not be saved: {error}")
        else:
            saved.append(file)
    if len(urls) > _MAX_PICTURES:
        notes.append(f"The answer has {len(urls)} pictures; {_MAX_PICTURES} were saved.")
    return tuple(saved), " ".join(notes)


def _decode(url: str) -> bytes:
    encoded = "".join((url.partition(",")[2] or url).split())
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        raise InvalidResponse("It is neither base64 nor a link.") from None
