"""Prompts, through MCP."""

import re

import pytest
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS, TextContent

from tests.support import MakeSettings, ScriptedTransport, connected
from tests.tools.calls import BOTH_ERAS

TITLES = {
    "narrate": "Read a text aloud",
    "audiobook": "Audiobook",
    "podcast": "Podcast",
    "voice_reply": "Answer aloud",
    "transcribe_and_translate": "Transcribe and translate",
    "dub": "Dub a film",
    "storyboard": "Storyboard",
}
NARRATE, SPEECH, JOBS, TRANSLATE = "webvoice_narrate", "webvoice_tts", "webvoice_jobs", "webvoice_translate"
ESTIMATE = "webvoice_estimate_credits webvoice_image webvoice_image_to_video webvoice_status"

# All arguments, and the tools that the text names, in their order.
FULL: dict[str, tuple[dict[str, str], str]] = {
    "narrate": (
        {
            "text": "Ciao, mondo!",
            "file_path": "C:\\texts\\a.txt",
            "language": "it",
            "voice": "if_sara",
            "output_path": "C:\\out\\ciao.mp3",
        },
        f"{NARRATE} {JOBS}",
    ),
    "audiobook": (
        {
            "file_path": "C:\\texts\\a.txt",
            "language": "it",
            "voice": "if_sara",
            "subtitles": "vtt",
            "output_path": "C:\\out\\a.mp3",
        },
        f"webvoice_estimate_credits {NARRATE} webvoice_status {NARRATE} {JOBS}",
    ),
    "podcast": (
        {"topic": "Bees", "minutes": "5", "language": "en", "voices": "af_sarah, am_adam"},
        f"webvoice_list_voices {NARRATE} {JOBS}",
    ),
    "voice_reply": (
        {"question": "Why is the sky blue?", "model": "gemini", "language": "en", "voice": "am_adam"},
        f"webvoice_chat {SPEECH} {JOBS}",
    ),
    "transcribe_and_translate": (
        {"audio_path": "/a/b.wav", "target_language": "fr", "language": "de", "provider": "whisper_fast"},
        f"webvoice_stt {JOBS} {TRANSLATE} {TRANSLATE}",
    ),
    "dub": (
        {
            "film_path": "/a/b.mp4",
            "target_language": "fr",
            "language": "de",
            "voice": "ff_siwis",
            "output_path": "/a/c.mp4",
        },
        f"webvoice_stt {TRANSLATE} {NARRATE} webvoice_join webvoice_estimate_credits {JOBS}",
    ),
    "storyboard": (
        {"idea": "A bicycle's dream", "scenes": "5", "provider": "sd3", "video_provider": "gen4"},
        f"{ESTIMATE} webvoice_image webvoice_image_to_video {JOBS} webvoice_join",
    ),
}
# The last line of a text whose main argument is missing.
QUESTIONS = {
    "narrate": "I have not said which text: ask me first.",
    "audiobook": "I have not said which file: ask me first.",
    "podcast": "I have not said what the topic is: ask me first.",
    "voice_reply": "I have not said what the question is: ask me first.",
    "transcribe_and_translate": "I have not said which recording: ask me first.",
    "dub": "I have not said which film: ask me first.",
    "storyboard": "I have not said what the idea is: ask me first.",
}
UNUSED = {("narrate", "file_path")}  # if there is a text

_COMMANDING = re.compile(r"important|always|never|ignore|must|system prompt|<[a-z/!]", re.IGNORECASE)


async def text_of(client: Client, name: str, arguments: dict[str, str] | None = None) -> str:
    (message,) = (await client.get_prompt(name, arguments)).messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    return message.content.text


async def test_prompts_are_listed_with_described_optional_arguments(make_settings: MakeSettings) -> None:
    async with connected(make_settings(API_KEY=""), ScriptedTransport()) as client:
        prompts = (await client.list_prompts()).prompts
    assert {prompt.name: prompt.title for prompt in prompts} == TITLES
    for prompt in prompts:
        arguments = prompt.arguments or []
        assert re.fullmatch(r"[A-Z].{30,118}\.", prompt.description or "")
        assert [argument.name for argument in arguments] == list(FULL[prompt.name][0])
        assert all(re.fullmatch(r"[A-Z].*\.", argument.description or "") for argument in arguments)
        assert not any(argument.required for argument in arguments)


@pytest.mark.parametrize(
    ("families", "names"),
    [
        ("chat", []),
        ("chat,speech", ["narrate", "audiobook", "podcast", "voice_reply"]),
        ("speech,translation", ["narrate", "audiobook", "podcast", "transcribe_and_translate"]),
        ("studio,speech,translation", ["narrate", "audiobook", "podcast", "transcribe_and_translate", "dub"]),
        ("image,translation", []),
        ("image,video", []),
        ("image,video,studio", ["storyboard"]),
    ],
)
async def test_a_prompt_is_offered_if_all_its_tools_are(
    make_settings: MakeSettings, families: str, names: list[str]
) -> None:
    async with connected(make_settings(TOOLSETS=families), ScriptedTransport()) as client:
        assert [prompt.name for prompt in (await client.list_prompts()).prompts] == names
        tools = {tool.name for tool in (await client.list_tools()).tools}
        for name in names:
            assert set(re.findall(r"webvoice_\w+", await text_of(client, name))) <= tools


async def test_a_text_names_the_tools_and_the_given_arguments(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), ScriptedTransport()) as client:
        assert await text_of(client, "transcribe_and_translate", FULL["transcribe_and_translate"][0]) == (
            "Please transcribe a recording and translate what is said.\n"
            "\n"
            '1. Call webvoice_stt with the recording and an output_path that ends in .txt, language "de", provider '
            '"whisper_fast".\n'
            "2. If an answer has a job_id, the call is still running: webvoice_jobs with that job_id hands over its "
            "result.\n"
            '3. Call webvoice_translate with the saved transcript as text_path, target_language "fr"; source_language '
            "is the language that the transcription reports, as far as webvoice_translate takes it. If both are the "
            "same, there is nothing to translate.\n"
            "4. Show me the transcript, the translation and the credits of both calls; of long ones the paths.\n"
            "\n"
            "The recording is /a/b.wav"
        )


@pytest.mark.parametrize("name", FULL)
async def test_a_text_is_short_ordered_and_polite(make_settings: MakeSettings, name: str) -> None:
    arguments, tools = FULL[name]
    async with connected(make_settings(), ScriptedTransport()) as client:
        full, bare = await text_of(client, name, arguments), await text_of(client, name)
        assert await text_of(client, name, dict.fromkeys(arguments, "")) == bare
    missing = [argument for argument, value in arguments.items() if value not in full]
    assert [argument for argument in missing if (name, argument) not in UNUSED] == []
    for text in (full, bare):
        assert re.findall(r"webvoice_[a-z_]+", text) == tools.split()
        assert "1234567".startswith("".join(re.findall(r"^(\d)\. ", text, re.MULTILINE)))
        assert len(text) < 1300
        assert not re.search(r" ,|  |\.\.|,\.|''|\"\"", text)
    assert bare.endswith(f"\n\n{QUESTIONS[name]}")
    assert not _COMMANDING.search(bare)


async def test_a_file_is_left_to_the_tool_to_read(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), ScriptedTransport()) as client:
        arguments = {"file_path": "C:\\a\\b.txt", "voice": "af_sarah"}
        lines = (await text_of(client, "narrate", arguments)).splitlines()
    assert lines[2] == (
        '1. Call webvoice_narrate with text_path "C:\\a\\b.txt", voice "af_sarah", language set to the code of the'
        " text's language. It reads the file itself, so you need not."
    )
    assert lines[-1] == "The text is in the file C:\\a\\b.txt"


@BOTH_ERAS
async def test_unknown_prompts_and_arguments_are_refused_by_name(make_settings: MakeSettings, mode: str) -> None:
    known = "narrate, audiobook, podcast, voice_reply, transcribe_and_translate, dub, storyboard"
    takes = "text, file_path, language, voice, output_path"
    async with connected(make_settings(), ScriptedTransport(), mode) as client:
        for name, arguments, message in (
            ("sing", {}, f"There is no prompt 'sing'. Known prompts: {known}."),
            ("narrate", {"volume": "11"}, f"narrate does not know the argument 'volume'. It takes: {takes}."),
        ):
            with pytest.raises(MCPError) as caught:
                await client.get_prompt(name, arguments)
            assert (caught.value.error.code, caught.value.error.message) == (INVALID_PARAMS, message)


async def test_without_prompts_none_is_known(make_settings: MakeSettings) -> None:
    async with connected(make_settings(TOOLSETS="chat"), ScriptedTransport()) as client:
        with pytest.raises(MCPError, match=r"There is no prompt 'narrate'\. Known prompts: none\."):
            await client.get_prompt("narrate")
