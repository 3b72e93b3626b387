"""The completion script for fish, 3.0 and later."""

from collections.abc import Iterator

from webvoice_mcp.cli.completion.vocabulary import Command, Option, ToolWords, Vocabulary, Word

_HEAD = """\
# Completion in fish, written by: webvoice-mcp completion fish
function __webvoice_mcp_at --description 'True if this command, and this word after it, were typed'
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test "$words[2]" = $argv[1]; or return 1
    set -l first ''
    set -l before ''
    for word in $words[3..-1]
        if not contains -- "$words[2] $before" {skipped}; and not string match -q -- '-*' $word
            set first $word
            break
        end
        set before $word
    end
    test "$first" = "$argv[2]"
end
complete -c webvoice-mcp -f
"""
_FIRST = "'test (count (commandline -opc)) -eq 1'"


def script(vocabulary: Vocabulary) -> str:
    """Return the script."""
    head = _HEAD.format(skipped=" ".join(_quoted(" ".join(names)) for names in vocabulary.value_options))
    return head + "".join(f"{line}\n" for line in _lines(vocabulary))


def _lines(vocabulary: Vocabulary) -> Iterator[str]:
    for word in vocabulary.options:
        yield f"complete -c webvoice-mcp -n {_FIRST} -l {word.text.removeprefix('--')} -d {_quoted(word.about)}"
    for command in vocabulary.commands:
        yield _candidates(_FIRST, command.word)
        yield from _command(command, vocabulary.tools)


def _command(command: Command, tools: tuple[ToolWords, ...]) -> Iterator[str]:
    name = command.word.text
    nothing_yet = f"\"__webvoice_mcp_at {name} ''\""
    for option in command.options:
        yield f"complete -c webvoice-mcp -n '__fish_seen_subcommand_from {name}' {_option(option)}"
    if command.choices:
        choices = " ".join(choice.text for choice in command.choices)
        yield f"complete -c webvoice-mcp -n {nothing_yet} -a {_quoted(choices)}"
    for tool in tools if command.takes_tool else ():
        yield _candidates(nothing_yet, tool.word)
        if command.takes_parameters:
            condition = f"'__webvoice_mcp_at {name} {tool.word.text}'"
            yield from (_candidates(condition, parameter) for parameter in tool.parameters)
    if command.takes_parameters:
        is_value = f'__fish_seen_subcommand_from {name}; and string match -q "*=*" -- (commandline -ct)'
        yield f"complete -c webvoice-mcp -n '{is_value}' -F"


def _option(option: Option) -> str:
    words = f"-l {option.word.text.removeprefix('--')} -d {_quoted(option.word.about)}"
    if option.is_folder:
        return f"{words} -x -a '(__fish_complete_directories)'"
    if option.values:
        return f"{words} -x -a {_quoted(' '.join(option.values))}"
    return f"{words} -x" if option.takes_value else words


def _candidates(condition: str, word: Word) -> str:
    return f"complete -c webvoice-mcp -n {condition} -a {_quoted(word.text)} -d {_quoted(word.about)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
