"""Prompts, through MCP."""

import re

import pytest
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS, TextContent

from tests.support import MakeSettings, ScriptedTransport, connected

NAMES = ("narrate", "voice_reply", "transcribe_and_translate", "storyboard")
SPEECH, JOBS = "webvoice_tts", "webvoice_jobs"
TRANSLATE = "webvoice_translate"
ESTIMATE = "webvoice_estimate_credits webvoice_image webvoice_image_to_video webvoice_status"

# All arguments, and the tools that the text speaks of, in their order.
FULL: dict[str, tuple[dict[str, str], str]] = {
    "narrate": (
        {
            "text": "Ciao, mondo!",
            "file_path": "C:\\texts\\a.txt",
            "language": "it",
            "voice": "if_sara",
            "output_path": "C:\\out\\ciao.mp3",
        },
        f"{SPEECH} {JOBS}",
    ),
    "voice_reply": (
        {"question": "Why is the sky blue?", "model": "gemini", "language": "en", "voice": "am_adam"},
        f"webvoice_chat {SPEECH} {JOBS}",
    ),
    "transcribe_and_translate": (
        {"audio_path": "/a/b.wav", "target_language": "fr", "language": "de", "provider": "whisper_fast"},
        f"webvoice_stt {JOBS} {TRANSLATE} {TRANSLATE}",
    ),
    "storyboard": (
        {"idea": "A bicycle's dream", "scenes": "5", "provider": "sd3", "video_provider": "gen4"},
        f"{ESTIMATE} webvoice_image webvoice_image_to_video {JOBS}",
    ),
}
# What a text says where the argument that it is about is missing.
ASKS = {
    "narrate": "I have not said which text: ask me first.",
    "voice_reply": "I have not said what the question is: ask me first.",
    "transcribe_and_translate": "I have not said which recording: ask me first.",
    "storyboard": "I have not said what the idea is: ask me first.",
}
NOT_SAID = {("narrate", "file_path")}  # where there is a text

_COMMANDING = re.compile(r"important|always|never|ignore|must|system prompt|<[a-z/!]", re.IGNORECASE)


@pytest.fixture(params=["legacy", "auto"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def text(client: Client, name: str, arguments: dict[str, str] | None = None) -> str:
    (message,) = (await client.get_prompt(name, arguments)).messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    return message.content.text


async def test_prompts_are_listed_with_described_arguments_none_of_which_is_required(
    make_settings: MakeSettings, mode: str
) -> None:
    async with connected(make_settings(API_KEY=""), ScriptedTransport(), mode) as client:
        prompts = (await client.list_prompts()).prompts
    assert [(each.name, each.title) for each in prompts] == list(
        zip(NAMES, ("Read a text aloud", "Answer aloud", "Transcribe and translate", "Storyboard"), strict=True)
    )
    for prompt in prompts:
        arguments = prompt.arguments or []
        assert re.fullmatch(r"[A-Z].{30,118}\.", prompt.description or "")
        assert [each.name for each in arguments] == list(FULL[prompt.name][0])
        assert all(re.fullmatch(r"[A-Z].*\.", each.description or "") for each in arguments)
        assert not any(each.required for each in arguments)


@pytest.mark.parametrize(
    ("families", "names"),
    [
        ("account", []),
        ("chat", []),
        ("speech", ["narrate"]),
        ("chat,speech", ["narrate", "voice_reply"]),
        ("speech,translation", ["narrate", "transcribe_and_translate"]),
        ("image,translation", []),
        ("image,video", ["storyboard"]),
    ],
)
async def test_prompts_are_offered_where_all_their_tools_are(
    make_settings: MakeSettings, mode: str, families: str, names: list[str]
) -> None:
    async with connected(make_settings(TOOLSETS=families), ScriptedTransport(), mode) as client:
        assert [each.name for each in (await client.list_prompts()).prompts] == names
        tools = {each.name for each in (await client.list_tools()).tools}
        for name in names:
            assert set(re.findall(r"webvoice_\w+", await text(client, name))) <= tools


async def test_a_text_names_the_tools_and_what_was_given(make_settings: MakeSettings, mode: str) -> None:
    async with connected(make_settings(), ScriptedTransport(), mode) as client:
        assert await text(client, "transcribe_and_translate", FULL["transcribe_and_translate"][0]) == (
            "Please transcribe a recording and translate what is said.\n"
            "\n"
            '1. Call webvoice_stt with the recording, language "de", provider "whisper_fast".\n'
            "2. If an answer has a job_id, the call is still running: webvoice_jobs with that job_id hands over its "
            "result.\n"
            '3. Call webvoice_translate with the text and target_language "fr"; source_language is the language that '
            "the transcription reports, as far as webvoice_translate takes it. If both are the same, there is nothing "
            "to translate.\n"
            "4. Show me the transcript, the translation and the credits of both calls.\n"
            "\n"
            "The recording is /a/b.wav"
        )


@pytest.mark.parametrize("name", NAMES)
async def test_a_text_is_short_speaks_of_the_tools_in_their_order_and_commands_nothing(
    make_settings: MakeSettings, mode: str, name: str
) -> None:
    arguments, tools = FULL[name]
    async with connected(make_settings(), ScriptedTransport(), mode) as client:
        full, bare = await text(client, name, arguments), await text(client, name)
        assert await text(client, name, dict.fromkeys(arguments, "")) == bare
    assert [
        value for argument, value in arguments.items() if value not in full and (name, argument) not in NOT_SAID
    ] == []
    for said in (full, bare):
        assert re.findall(r"webvoice_[a-z_]+", said) == tools.split()
        assert "123456".startswith("".join(re.findall(r"^(\d)\. ", said, re.MULTILINE)))
        assert len(said) < 1300
        assert not re.search(r" ,|  |\.\.|,\.|''|\"\"", said)
    assert bare.endswith(f"\n\n{ASKS[name]}")
    assert not _COMMANDING.search(bare)


async def test_a_file_is_read_first_and_without_a_language_the_texts_own_is_asked_for(
    make_settings: MakeSettings, mode: str
) -> None:
    async with connected(make_settings(), ScriptedTransport(), mode) as client:
        said = (await text(client, "narrate", {"file_path": "C:\\a\\b.txt", "voice": "af_sarah"})).splitlines()
    assert said[2:4] == [
        "1. Read the file. If you cannot read files, ask me to paste the text.",
        '2. Call webvoice_tts with the whole text, language set to the code of the text\'s language, voice "af_sarah".',
    ]
    assert said[-1] == "The text is in the file C:\\a\\b.txt."


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "sing",
            {},
            "There is no prompt 'sing'. There are: narrate, voice_reply, transcribe_and_translate, storyboard.",
        ),
        (
            "narrate",
            {"volume": "11"},
            "narrate does not know the argument 'volume'. It takes: text, file_path, language, voice, output_path.",
        ),
    ],
)
async def test_a_prompt_or_an_argument_that_is_not_known_is_refused_by_name(
    make_settings: MakeSettings, mode: str, name: str, arguments: dict[str, str], message: str
) -> None:
    async with connected(make_settings(), ScriptedTransport(), mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.get_prompt(name, arguments)
    assert (caught.value.error.code, caught.value.error.message) == (INVALID_PARAMS, message)
