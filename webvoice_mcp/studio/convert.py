"""Conversion of files that the service does not take: the sound of films and recordings, and pictures."""

from typing import BinaryIO

import anyio.from_thread

from webvoice_mcp.errors import InvalidArgument, UnsupportedMedia, WebVoiceError
from webvoice_mcp.files.kinds import CONVERTED, Kind
from webvoice_mcp.files.opened_file import Converted
from webvoice_mcp.studio.decoder import DamagedError, Guard, TimeIsUpError, TooLargeError
from webvoice_mcp.studio.extra import how_to_add
from webvoice_mcp.studio.pictures import MAX_PIXELS, TooManyPixelsError, to_jpeg
from webvoice_mcp.studio.sound import NoSoundError, extract_sound

_MAX_SECONDS = 300.0  # of work; an hour of sound takes about ten seconds


def convert(file: BinaryIO, kind: Kind, *, subject: str, max_bytes: int) -> Converted:
    """Return the sound of a recording or film, or the picture as JPEG. Call it in a worker thread of anyio.

    It ends soon after its caller was cancelled.

    Raises:
        InvalidArgument: the result is larger than `max_bytes`, or takes too long.
        UnsupportedMedia: the extra `media` is missing, or the file is damaged or has no sound.
        DiskError: there is no room for the result.
    """
    is_picture = kind in CONVERTED["image"]
    guard = Guard(anyio.from_thread.check_cancelled, _MAX_SECONDS)
    try:
        return to_jpeg(file, kind, max_bytes) if is_picture else extract_sound(file, kind, guard, max_bytes)
    except (ImportError, NoSoundError, TooLargeError, TooManyPixelsError, TimeIsUpError, DamagedError) as error:
        raise _refusal(error, f"{subject} is {kind.name}", max_bytes, is_picture=is_picture) from error


def _refusal(reason: Exception, found: str, max_bytes: int, *, is_picture: bool) -> WebVoiceError:
    accepted = "JPEG, PNG or WebP" if is_picture else "MP3, WAV, M4A or FLAC"
    if isinstance(reason, ImportError):
        what = "It" if is_picture else "Its sound"
        return UnsupportedMedia(
            f"{found}, judged by its content. {what} can be sent with the extra `media`; to add it, {how_to_add()}."
            f" Or give {accepted}."
        )
    if isinstance(reason, NoSoundError):
        return UnsupportedMedia(f"{found} without sound that can be read. Give a file in which something is heard.")
    if isinstance(reason, TooLargeError):
        return InvalidArgument(
            f"{found}, and what would be sent of it has more than the {max_bytes / 1024**2:g} MB that"
            " WEBVOICE_MAX_UPLOAD_MB allows. Give a shorter part of it, or raise the setting."
        )
    if isinstance(reason, TooManyPixelsError):
        return InvalidArgument(
            f"{found} of more than {MAX_PIXELS // 1_000_000} million pixels. Give a smaller picture."
        )
    if isinstance(reason, TimeIsUpError):
        return InvalidArgument(
            f"{found}, and takes longer than {_MAX_SECONDS / 60:g} minutes to convert. Give a shorter part of it, or"
            f" {accepted}."
        )
    return UnsupportedMedia(f"{found}, but damaged or in a form that cannot be read. Save it anew, or give {accepted}.")
