"""The service's voices, and the choice of one for a request."""

import re

from webvoice_mcp.client.free_client import FreeClient
from webvoice_mcp.contract.speech import VOICES, VoicesRequest
from webvoice_mcp.errors import InvalidArgument


async def list_voices(language: str, provider: str, client: FreeClient) -> dict[str, list[dict[str, str]]]:
    """Return the voices by language: those of one language, or all for "". Of en-US the voices of en are taken.

    Raises:
        WebVoiceError: the list cannot be fetched.
    """
    voices = await _listed(language, provider, client)
    base = re.split("[-_]", language)[0]
    return voices or (await _listed(base, provider, client) if base not in ("", language) else {})


def first_voice(language: str, listed: list[str]) -> str:
    """Return the first of a language's voices.

    Raises:
        InvalidArgument: there is none.
    """
    if listed:
        return listed[0]
    raise InvalidArgument(
        f"language {language!r} has no voice. Call webvoice_list_voices, and give voice and language."
    )


async def voice_ids(language: str, provider: str, client: FreeClient) -> list[str]:
    """Return the ids of a language's voices, in the order of the service's list.

    Raises:
        WebVoiceError: the list cannot be fetched.
    """
    voices = await list_voices(language, provider, client)
    return [voice["id"] for listed in voices.values() for voice in listed]


async def _listed(language: str, provider: str, client: FreeClient) -> dict[str, list[dict[str, str]]]:
    reply = await client.call(VOICES, VoicesRequest(language=language or None, provider=provider or None))
    return {
        code: [{"id": voice.id, "name": voice.name or voice.id} for voice in listed]
        for code, listed in reply.voices.items()
        if not language or code.casefold() == language.casefold()
    }
