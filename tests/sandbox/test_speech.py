import base64
import io
import math
import sys
import wave
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox.sounds import pitch
from tests.sandbox.world import ANN, SITE, SandboxClient, needs_engines, refused
from webvoice_mcp.sandbox.engines import audio, espeak

_TEXT = {"text": "Hello, world!", "voice": "af_sarah", "language": "en", "speed": 0.9}


def _wav(seconds: float, *, rate: int = 8000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(bytes(2 * round(seconds * rate)))
    return file.getvalue()


async def _stt(client: SandboxClient, audio: bytes, **fields: str) -> Any:
    return await client.http.post("stt/", files={"audio": ("speech.wav", audio)}, data=fields)


async def test_voices_are_listed_by_language_and_name_the_sandbox(ann: SandboxClient) -> None:
    voices = (await ann.get("voices/")).json()["voices"]
    assert list(voices) == ["en", "it", "es", "fr", "de", "pt", "ru", "zh", "ja", "ko", "ar", "nl", "pl", "tr", "cs"]
    assert [voice["id"] for voice in voices["en"]] == ["af_sarah", "am_adam"]
    assert [voice["id"] for voice in voices["it"]] == ["if_sara"]
    assert voices["fr"] == [{"id": "sandbox_fr", "name": "espeak-ng (French; the sandbox's)"}]
    assert all("sandbox" in voice["name"] for listed in voices.values() for voice in listed)
    assert list((await ann.get("voices/", params={"language": "it"})).json()["voices"]) == ["it"]


async def test_a_speed_outside_the_documented_range_is_refused(ann: SandboxClient) -> None:
    message = '"speed" must be a number from 0.5 to 2.'
    assert refused(await ann.post("tts/", {**_TEXT, "speed": 0.4})) == (400, "Bad Request", message)


@pytest.mark.parametrize("change", [{"voice": "zz_nobody"}, {"language": "xx"}])
async def test_an_unknown_voice_or_language_lists_the_known_ones(ann: SandboxClient, change: dict[str, str]) -> None:
    status, _, message = refused(await ann.post("tts/", {**_TEXT, **change}))
    assert status == 400
    assert "accepted: " in message


async def test_speech_without_enough_credits_is_refused(ann: SandboxClient) -> None:
    await ann.spend_down_to(0.4)
    assert refused(await ann.post("tts/", _TEXT))[0] == 402
    assert await ann.credits() == 0.4


async def test_stt_requires_a_file(ann: SandboxClient) -> None:
    expected = (400, "Bad Request", 'Send multipart/form-data with a file in the field "audio".')
    assert refused(await ann.post("stt/", {"audio": "x"})) == expected
    assert refused(await ann.http.post("stt/", data={"audio": "x"})) == expected


@pytest.mark.parametrize(("path", "limit"), [("stt/", 256), ("image-to-image/", 32)])
async def test_an_upload_that_says_it_is_too_large_is_refused(ann: SandboxClient, path: str, limit: int) -> None:
    headers = {"Content-Length": str(limit * 2**20 + 1), "Content-Type": "multipart/form-data; boundary=b"}
    reply = await ann.http.post(path, content=b"", headers=headers)
    assert refused(reply)[::2] == (413, f"The body is larger than {limit} MiB.")


async def test_an_upload_that_turns_out_too_large_is_refused(ann: SandboxClient) -> None:
    async def picture() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        for _ in range(33):
            yield bytes(2**20)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    reply = await ann.http.post("image-to-image/", content=picture(), headers=headers)
    assert refused(reply)[::2] == (413, "The body is larger than 32 MiB.")


async def test_an_unknown_transcription_provider_is_refused(ann: SandboxClient) -> None:
    accepted = "whisper_small, whisper_fast, whisper_groq, whisper_max_local"
    expected = (400, "Bad Request", f"\"provider\" is 'whisper_huge'; accepted: {accepted}.")
    assert refused(await _stt(ann, _wav(1), provider="whisper_huge")) == expected


@pytest.mark.parametrize(
    ("module", "package", "body"),
    [
        ("hibari", "hibari-tts", _TEXT),
        ("espeakng_loader", "espeakng-loader", {**_TEXT, "language": "it"}),
    ],
)
async def test_a_missing_speech_engine_is_503_and_says_what_to_install(
    ann: SandboxClient, monkeypatch: pytest.MonkeyPatch, module: str, package: str, body: dict[str, object]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # Python's own way to make an import fail
    espeak._library.cache_clear()  # otherwise the library would stay loaded as long as the process lives
    status, error, message = refused(await ann.post("tts/", body))
    assert (status, error) == (503, "Service Unavailable")
    assert package in message
    assert "pip install 'webvoice-mcp[sandbox]'" in message
    assert await ann.credits() == 20.0


class TestWithEngines:
    """Tests that need the engines of the extra `sandbox`."""

    pytestmark = needs_engines

    @pytest.mark.parametrize(
        ("change", "provider"),
        [
            ({"voice": "am_adam"}, "sandbox:hibari-"),
            ({"text": "Bonjour !", "voice": "sandbox_fr", "language": "fr"}, "sandbox:espeak-ng-"),
        ],
    )
    async def test_speech_is_an_mp3_that_names_its_engine(
        self, ann: SandboxClient, change: dict[str, str], provider: str
    ) -> None:
        reply = (await ann.post("tts/", {**_TEXT, **change})).json()
        audio = base64.b64decode(reply.pop("audio"), validate=True)
        made_by = reply.pop("provider")
        assert made_by.startswith(provider)
        assert audio.startswith(b"ID3")
        assert made_by.encode() in audio
        assert 0.2 < reply.pop("duration") < 4
        assert reply == {
            "success": True,
            "format": "mp3",
            "credits_used": 0.5,
            "credits_remaining": 19.5,
            "sandbox": True,
        }

    async def test_voices_of_one_language_speak_at_different_pitches(self, ann: SandboxClient) -> None:
        pitches = []
        for voice in ("af_sarah", "am_adam"):
            reply = (
                await ann.post("tts/", {**_TEXT, "text": "We know our way along the river.", "voice": voice})
            ).json()
            pitches.append(pitch(audio.decode(base64.b64decode(reply["audio"]))))
        woman, man = pitches
        assert 170 < woman < 230
        assert 90 < man < 0.8 * woman

    async def test_an_italian_voice_sounds_as_its_name_says(self, ann: SandboxClient) -> None:
        change = {"text": "Buongiorno a tutti.", "voice": "if_sara", "language": "it"}
        reply = (await ann.post("tts/", {**_TEXT, **change})).json()
        assert reply["provider"] == "sandbox:espeak-ng-1.52/it+f2"

    @pytest.mark.wide
    async def test_a_text_of_30000_characters_is_spoken_whole(self, ann: SandboxClient) -> None:
        await ann.post(f"{SITE}/sandbox/credits/", {"email": ANN, "credits": 100})
        text = "The weather in the mountains was cold but clear.\n" * 612
        spoken = (await ann.post("tts/", {**_TEXT, "text": text[:30_000], "speed": 2.0})).json()
        mp3 = base64.b64decode(spoken["audio"])
        assert 800 < spoken["duration"] < 1500
        assert spoken["credits_used"] == 0.5 * math.ceil(spoken["duration"] / 60)
        assert audio.decode(mp3).seconds == pytest.approx(spoken["duration"], abs=0.1)

    async def test_speech_of_more_than_a_minute_costs_two_minutes(self, ann: SandboxClient) -> None:
        text = "The quick brown fox jumps over the lazy dog. " * 30
        reply = (await ann.post("tts/", {**_TEXT, "text": text, "speed": 1.0})).json()
        assert 60 < reply["duration"] < 120
        assert (reply["credits_used"], reply["credits_remaining"]) == (1.0, 19.0)

    async def test_speech_that_turns_out_too_expensive_is_not_sent(self, ann: SandboxClient) -> None:
        await ann.spend_down_to(0.5)
        text = "The quick brown fox jumps over the lazy dog. " * 30
        message = (
            "Insufficient credits: this call costs 1, the account has fewer left. Add some with POST /sandbox/credits/."
        )
        reply = await ann.post("tts/", {**_TEXT, "text": text, "speed": 1.0})
        assert refused(reply) == (402, "Payment Required", message)
        assert await ann.credits() == 0.5

    async def test_text_that_cannot_be_spoken_is_refused_and_costs_nothing(self, ann: SandboxClient) -> None:
        reply = await ann.post("tts/", {**_TEXT, "text": "🙂"})
        assert refused(reply)[0] == 400
        assert await ann.credits() == 20.0

    async def test_spoken_text_is_transcribed(self, ann: SandboxClient) -> None:
        spoken = (await ann.post("tts/", {**_TEXT, "text": "The weather is fine today."})).json()
        heard = (await _stt(ann, base64.b64decode(spoken["audio"]), language="")).json()
        assert abs(heard.pop("duration") - spoken["duration"]) < 0.2
        assert heard == {
            "success": True,
            "text": "The weather is fine today.",
            "language": "en",
            "provider": "sandbox:whisper-tiny.en",
            "credits_used": 0.3,
            "credits_remaining": 19.2,
            "sandbox": True,
        }

    @pytest.mark.parametrize(("seconds", "price"), [(60, 0.3), (61, 0.6), (1500, 7.5)])
    async def test_every_started_minute_of_a_recording_is_charged(
        self, ann: SandboxClient, seconds: int, price: float
    ) -> None:
        reply = (await _stt(ann, _wav(seconds), provider="whisper_fast")).json()
        assert (reply["text"], reply["duration"], reply["credits_used"]) == ("", seconds, price)

    async def test_a_recording_without_enough_credits_is_not_transcribed(self, ann: SandboxClient) -> None:
        await ann.spend_down_to(0.5)
        assert refused(await _stt(ann, _wav(61)))[0] == 402
        assert await ann.credits() == 0.5

    async def test_an_invalid_recording_is_refused_and_costs_nothing(self, ann: SandboxClient) -> None:
        assert refused(await _stt(ann, b"no sound at all"))[0] == 400
        assert await ann.credits() == 20.0
