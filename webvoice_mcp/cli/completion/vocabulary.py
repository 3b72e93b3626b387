"""All words that a shell can complete, from the command line's parser, the settings and the catalogue of tools."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from webvoice_mcp.settings import SETTINGS, TOOLSETS
from webvoice_mcp.tools.catalogue import offered

_MAX_DESCRIPTION_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its description, "" for none."""

    text: str
    about: str


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command.

    Attributes:
        takes_value: True if a value follows as the next word.
        is_folder: True if the value is a folder's path.
        values: the values, if they can be listed; one that ends in `=` is the start of a value.
    """

    word: Word
    takes_value: bool
    is_folder: bool
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Attributes:
        choices: the words after it, if there are only a few.
        takes_tool: True if the word after it is a tool.
        takes_parameters: True if parameters follow the tool.
    """

    word: Word
    options: tuple[Option, ...]
    choices: tuple[Word, ...]
    takes_tool: bool
    takes_parameters: bool


@dataclass(frozen=True, slots=True)
class ToolWords:
    """A tool and its parameters, each with `=` at the end."""

    word: Word
    parameters: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All words: the program's own options, the commands and the tools."""

    options: tuple[Word, ...]
    commands: tuple[Command, ...]
    tools: tuple[ToolWords, ...]

    @property
    def value_options(self) -> list[tuple[str, str]]:
        """The options that a value follows as the next word, each behind its command."""
        return [
            (command.word.text, option.word.text)
            for command in self.commands
            for option in command.options
            if option.takes_value
        ]

    @property
    def first_words(self) -> dict[str, tuple[Word, ...]]:
        """The words that may follow a command, by its name; without those that have none."""
        tools = tuple(tool.word for tool in self.tools)
        return {
            command.word.text: tools if command.takes_tool else command.choices
            for command in self.commands
            if command.takes_tool or command.choices
        }

    @property
    def parameters(self) -> dict[tuple[str, str], tuple[Word, ...]]:
        """The parameters that may follow a command and a tool, by the names of both."""
        return {
            (command.word.text, tool.word.text): tool.parameters
            for command in self.commands
            if command.takes_parameters
            for tool in self.tools
        }


def read_vocabulary(parsers: dict[str, argparse.ArgumentParser]) -> Vocabulary:
    """Return the words of the commands with these parsers, and of all tools."""
    return Vocabulary(
        options=(Word("--help", "show all commands"), Word("--version", "show the version")),
        commands=tuple(_command(name, parser) for name, parser in parsers.items()),
        tools=tuple(_tools()),
    )


def indented(spaces: int, lines: Iterable[str]) -> str:
    """Return lines of a script as one text; empty ones are left out."""
    return "\n".join(" " * spaces + line for line in lines if line)


def _command(name: str, parser: argparse.ArgumentParser) -> Command:
    actions = parser._actions  # noqa: SLF001 - argparse has no public list of options
    positionals = {action.dest: action for action in actions if not action.option_strings}
    choices = tuple(Word(str(choice), "") for action in positionals.values() for choice in action.choices or ())
    return Command(
        Word(name, _short(parser.description or "")),
        tuple(_option(action) for action in actions if action.option_strings),
        choices,
        takes_tool="tool" in positionals,
        takes_parameters="arguments" in positionals,
    )


def _option(action: argparse.Action) -> Option:
    values = tuple(map(str, action.choices or ()))
    if action.dest == "env":
        values = tuple(f"{setting.name}=" for setting in SETTINGS if not setting.is_secret)
    word = Word(action.option_strings[-1], _short(action.help or ""))
    return Option(word, takes_value=action.nargs != 0, is_folder=action.type is Path, values=values)


def _tools() -> Iterable[ToolWords]:
    for tool in offered(TOOLSETS):
        sdk_tool = tool.sdk_tool()
        parameters = sdk_tool.parameters.get("properties", {})
        words = tuple(Word(f"{name}=", _short(about.get("description", ""))) for name, about in parameters.items())
        yield ToolWords(Word(tool.name, _short(sdk_tool.description)), words)


def _short(text: str) -> str:
    """Return the first sentence on one line, cut where it is too long for a list."""
    line = " ".join(text.partition("\n")[0].split())
    sentence = line.partition(". ")[0].removesuffix(".")
    if len(sentence) <= _MAX_DESCRIPTION_CHARACTERS:
        return sentence
    return f"{sentence[:_MAX_DESCRIPTION_CHARACTERS].rpartition(' ')[0]}…"
