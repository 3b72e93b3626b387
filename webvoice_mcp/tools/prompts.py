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
    given = _given(text_path="" if text else file_path, voice=voice, output_path=output_path)
    arguments = ", ".join(filter(None, ["the whole text" if text or not file_path else "", given]))
    source = "" if text or not file_path else " It reads the file itself, so you need not."
    return _request(
        "Please turn a text into speech.",
        f"Call webvoice_narrate with {arguments}, {_language(language, 'the text')}.{source}",
        _JOB,
        "Tell me the path of the file, how long it plays and the credits it took.",
        about=f"The text:\n\n{text}" if text else _subject(file_path, "The text is in the file", "which text"),
    )


@_prompt("speech", title="Audiobook")
async def audiobook(
    file_path: Annotated[str, "A text file on this computer: .txt or .md."] = "",
    language: Language = "",
    voice: Voice = "",
    subtitles: Annotated[str, "Subtitles as srt or vtt. Unset: srt."] = "",
    output_path: Annotated[str, "Where to save the MP3. Unset: the output folder."] = "",
) -> str:
    """Turn a text file of any length into one MP3 file with subtitles."""
    given = _given(text_path=file_path, voice=voice, subtitles=subtitles or "srt", output_path=output_path)
    return _request(
        "Please make an audiobook of a text file.",
        f"Call webvoice_estimate_credits for webvoice_narrate with {given}, {_language(language, 'the text')}. Compare "
        "it with the credits that webvoice_status tells, and ask me whether to go on. The file is read by the tool, so "
        "you need not read it.",
        "Call webvoice_narrate with the same arguments.",
        f"A book takes minutes. {_JOB} If it fails, the same call goes on where it stopped.",
        "Tell me the paths of the files, how long it plays and the credits it took.",
        about=_subject(file_path, "The text is in the file", "which file"),
    )


@_prompt("speech", title="Podcast")
async def podcast(
    topic: Annotated[str, "What the conversation is about."] = "",
    minutes: Annotated[str, "Length in minutes. Unset: 3."] = "",
    language: Language = "",
    voices: Annotated[str, "Two voice ids, separated by a comma. Unset: two that differ."] = "",
) -> str:
    """Write a conversation of two voices about a topic and speak it to one MP3 file."""
    chosen = (
        f"Take the voices {voices} of webvoice_list_voices."
        if voices
        else "Call webvoice_list_voices and choose two voices of the language that differ, such as a woman and a man."
    )
    return _request(
        "Please make a podcast of two voices.",
        chosen,
        f"Write the conversation: about {minutes or '3'} minutes, some 130 words a minute, in short turns. Show it to "
        "me, and change what I do not like.",
        "Call webvoice_narrate with lines, an object with text and voice for each turn,"
        f' {_language(language, "the topic")} and subtitles "srt".',
        _JOB,
        "Tell me the paths of the files, how long it plays and the credits it took.",
        about=f"The topic:\n\n{topic}" if topic else "I have not said what the topic is: ask me first.",
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
        _with_given(f"Call webvoice_tts with the answer, {_language(language, 'the answer')}", voice=voice),
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
    return _request(
        "Please transcribe a recording and translate what is said.",
        _with_given(
            "Call webvoice_stt with the recording and an output_path that ends in .txt",
            language=language,
            provider=provider,
        ),
        _JOB,
        "Call webvoice_translate with the saved transcript as text_path, "
        f'target_language "{target_language or "en"}"; source_language is '
        "the language that the transcription reports, as far as webvoice_translate takes it. If both are the same, "
        "there is nothing to translate.",
        "Show me the transcript, the translation and the credits of both calls; of long ones the paths.",
        about=_subject(audio_path, "The recording is", "which recording"),
    )


@_prompt("speech", "translation", "studio", title="Dub a film")
async def dub(
    film_path: Annotated[str, "An MP4 file on this computer."] = "",
    target_language: Annotated[str, "Code of the language to dub into. Unset: en."] = "",
    language: Annotated[str, "Code of the spoken language. Unset: detected."] = "",
    voice: Voice = "",
    output_path: Annotated[str, "Where to save the film. Unset: the output folder."] = "",
) -> str:
    """Give a film a voice and subtitles in another language."""
    target = target_language or "en"
    return _request(
        "Please dub a film into another language.",
        _with_given(
            "Call webvoice_stt with the film as audio_path and an output_path that ends in .srt", language=language
        ),
        f'Call webvoice_translate with the subtitles as text_path and target_language "{target}"; source_language is '
        "the language that the transcription reports.",
        f"Call webvoice_narrate with the translated subtitles as text_path, {_given(language=target, voice=voice)}.",
        _with_given(
            "Call webvoice_join with the film as the only one of files, the narration as sound and the translated "
            "subtitles as subtitles",
            output_path=output_path,
        ),
        f"Before each paid call, webvoice_estimate_credits tells its price. {_JOB}",
        "Tell me the path of the film and the credits in all. Say that the narration follows the text, not the lips.",
        about=_subject(film_path, "The film is", "which film"),
    )


@_prompt("image", "video", "studio", title="Storyboard")
async def storyboard(
    idea: Annotated[str, "What the film is about."] = "",
    scenes: Annotated[str, "Number of scenes. Unset: 3."] = "",
    provider: Annotated[str, "Image provider. Unset: the default one."] = "",
    video_provider: Annotated[str, "Video provider. Unset: the default one."] = "",
) -> str:
    """Turn an idea into scenes, each drawn as an image and then set in motion."""
    return _request(
        "Please make a storyboard and film it.",
        f"Write the scenes ({scenes or '3'}): what is seen, in a sentence or two, with the same look and characters "
        "throughout, and what moves. Show them to me.",
        "Work out the price: webvoice_estimate_credits for one webvoice_image and one webvoice_image_to_video with the "
        "arguments that you will use, times the scenes. Compare it with the credits that webvoice_status tells, and "
        "ask me whether to go on.",
        _with_given("Call webvoice_image for each scene, with its description as prompt", provider=provider)
        + " Show me the images, and draw anew what I do not like.",
        _with_given(
            "Call webvoice_image_to_video for each image, with its path as image and what moves as prompt",
            provider=video_provider,
        ),
        f"A video takes minutes. {_JOB}",
        "Call webvoice_join with the videos in the order of the scenes as files.",
        "List the film and the other files, and the credits in all.",
        about=f"The idea:\n\n{idea}" if idea else "I have not said what the idea is: ask me first.",
    )


def _request(aim: str, *steps: str, about: str) -> str:
    numbered = [f"{number}. {step}" for number, step in enumerate(filter(None, steps), 1)]
    return "\n".join([aim, "", *numbered, "", about])


def _with_given(step: str, **arguments: str) -> str:
    """Return a step as a sentence that ends with the arguments that were given."""
    return ", ".join(filter(None, [step, _given(**arguments)])) + "."


def _language(language: str, of_what: str) -> str:
    return _given(language=language) or f"language set to the code of {of_what}'s language"


def _subject(path: str, sentence: str, what: str) -> str:
    return f"{sentence} {path}" if path else f"I have not said {what}: ask me first."


def _given(**arguments: str) -> str:
    return ", ".join(f'{name} "{value}"' for name, value in arguments.items() if value)
