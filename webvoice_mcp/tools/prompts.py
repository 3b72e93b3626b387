"""Prompts: requests that the user picks from a menu and that take several tools."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from mcp import MCPError
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument
from mcp.types import INVALID_PARAMS
from mcp.types import Prompt as ListedPrompt

from webvoice_mcp.jobs.services import Services
from webvoice_mcp.tools._docstring import docstring

_JOB = "If an answer has a job_id, the call is still running: webvoice_jobs with that job_id hands over its result."

# Every argument has a default: the SDK answers a missing one with an error that does not name it.
Language = Annotated[str, "Code of the language to speak, e.g. it. Unset: the text's own."]
Voice = Annotated[str, "Voice id. Unset: the language's own voice."]


@dataclass(frozen=True, slots=True)
class _OfferedPrompt:
    """A prompt, and the families of tools that it needs."""

    function: Callable[..., Awaitable[str]]
    title: str
    families: frozenset[str]


_PROMPTS: list[_OfferedPrompt] = []

Function = TypeVar("Function", bound=Callable[..., Awaitable[str]])


def _prompt(*families: str, title: str) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        _PROMPTS.append(_OfferedPrompt(function, title, frozenset(families)))
        return function

    return register


def add_to(server: MCPServer[Services], families: frozenset[str]) -> None:
    """Add the prompts whose tools are all offered."""
    for offered in _PROMPTS:
        if offered.families <= families:
            server.add_prompt(_sdk_prompt(offered))


def _sdk_prompt(offered: _OfferedPrompt) -> Prompt:
    # The protocol makes all arguments strings, so the SDK need not build a model of them, which takes time.
    parameters = inspect.signature(offered.function).parameters.values()
    return Prompt(
        name=offered.function.__name__,
        title=offered.title,
        description=docstring(offered.function),
        arguments=[
            PromptArgument(name=parameter.name, description=parameter.annotation.__metadata__[0], required=False)
            for parameter in parameters
        ],
        fn=offered.function,
        context_kwarg=None,
    )


def check(name: str, arguments: Mapping[str, str], listed: Sequence[ListedPrompt]) -> None:
    """Check that a prompt and its arguments are known.

    Raises:
        MCPError: invalid parameters; names the known ones.
    """
    known = {prompt.name: [argument.name for argument in prompt.arguments or ()] for prompt in listed}
    if name not in known:
        names = ", ".join(known) or "none"
        raise MCPError(INVALID_PARAMS, f"There is no prompt {name[:80]!r}. Known prompts: {names}.")
    for argument in arguments:
        if argument not in known[name]:
            takes = ", ".join(known[name])
            raise MCPError(INVALID_PARAMS, f"{name} does not know the argument {argument[:80]!r}. It takes: {takes}.")


@_prompt("speech", title="Read a text aloud")
async def narrate(
    text: Annotated[str, "What to read aloud."] = "",
    file_path: Annotated[str, "In place of text: a text file on this computer."] = "",
    language: Language = "",
    voice: Voice = "",
    output_path: Annotated[str, "Where to save the MP3. Unset: the output folder."] = "",
) -> str:
    """Turn a text, or a text file, into speech."""
    elsewhere = f"The text is in the file {file_path}." if file_path else "I have not said which text: ask me first."
    return _request(
        "Please turn a text into speech.",
        "" if text or not file_path else "Read the file. If you cannot read files, ask me to paste the text.",
        f"Call webvoice_tts with the whole text, {_spoken(language, voice, 'the text')}"
        + (f' and output_path "{output_path}".' if output_path else "."),
        _JOB,
        "Tell me the path of the file, how long it plays and the credits it took.",
        about=f"The text:\n\n{text}" if text else elsewhere,
    )


@_prompt("chat", "speech", title="Answer aloud")
async def voice_reply(
    question: Annotated[str, "What to ask the chat model."] = "",
    model: Annotated[str, "Chat model id. Unset: the default model."] = "",
    language: Annotated[str, "Code of the language to answer in. Unset: the question's own."] = "",
    voice: Voice = "",
) -> str:
    """Ask a chat model a question and have its answer spoken."""
    answer_in = f' in the language "{language}"' if language else " in the question's language"
    return _request(
        "Please have a question answered aloud.",
        "Call webvoice_chat with the question as prompt"
        + (f', model "{model}"' if model else "")
        + f" and a system text that asks for a short answer{answer_in}, in plain sentences without lists or markup.",
        f"Call webvoice_tts with the answer, {_spoken(language, voice, 'the answer')}.",
        _JOB,
        "Show me the answer, the path of the file and the credits of both calls.",
        about=f"The question:\n\n{question}" if question else "I have not said what the question is: ask me first.",
    )


@_prompt("speech", "translation", title="Transcribe and translate")
async def transcribe_and_translate(
    audio_path: Annotated[str, "An MP3, WAV, M4A or FLAC file on this computer."] = "",
    target_language: Annotated[str, "Code of the language to translate into. Unset: en."] = "",
    language: Annotated[str, "Code of the spoken language. Unset: detected."] = "",
    provider: Annotated[str, "Transcription model. Unset: the account's default."] = "",
) -> str:
    """Write down a recording and translate what was said."""
    chosen = _given(language=language, provider=provider)
    return _request(
        "Please transcribe a recording and translate what is said.",
        "Call webvoice_stt with the recording" + (f", {chosen}." if chosen else "."),
        _JOB,
        f'Call webvoice_translate with the text and target_language "{target_language or "en"}"; source_language is '
        "the language that the transcription reports, as far as webvoice_translate takes it. If both are the same, "
        "there is nothing to translate.",
        "Show me the transcript, the translation and the credits of both calls.",
        about=f"The recording is {audio_path}" if audio_path else "I have not said which recording: ask me first.",
    )


@_prompt("image", "video", title="Storyboard")
async def storyboard(
    idea: Annotated[str, "What the film is about."] = "",
    scenes: Annotated[str, "Number of scenes. Unset: 3."] = "",
    provider: Annotated[str, "Image provider. Unset: the default one."] = "",
    video_provider: Annotated[str, "Video provider. Unset: the default one."] = "",
) -> str:
    """Turn an idea into scenes, each drawn as an image and then set in motion."""
    drawn, filmed = _given(provider=provider), _given(provider=video_provider)
    return _request(
        "Please make a storyboard and film it.",
        f"Write the scenes ({scenes or '3'}): what is seen, in a sentence or two, with the same look and characters "
        "throughout, and what moves. Show them to me.",
        "Work out the price: webvoice_estimate_credits for one webvoice_image and one webvoice_image_to_video with the "
        "arguments that you will use, times the scenes. Compare it with the credits that webvoice_status tells, and "
        "ask me whether to go on.",
        "Call webvoice_image for each scene, with its description as prompt"
        + (f", {drawn}" if drawn else "")
        + ". Show me the images, and draw anew what I do not like.",
        "Call webvoice_image_to_video for each image, with its path as image and what moves as prompt"
        + (f", {filmed}." if filmed else "."),
        f"A video takes minutes. {_JOB}",
        "List the files in the order of the scenes, and the credits in all.",
        about=f"The idea:\n\n{idea}" if idea else "I have not said what the idea is: ask me first.",
    )


def _request(aim: str, *steps: str, about: str) -> str:
    numbered = [f"{number}. {step}" for number, step in enumerate(filter(None, steps), 1)]
    return "\n".join([aim, "", *numbered, "", about])


def _spoken(language: str, voice: str, of_what: str) -> str:
    chosen = _given(language=language, voice=voice)
    if language:
        return chosen
    return f"language set to the code of {of_what}'s language" + (f", {chosen}" if chosen else "")


def _given(**arguments: str) -> str:
    return ", ".join(f'{name} "{value}"' for name, value in arguments.items() if value)
