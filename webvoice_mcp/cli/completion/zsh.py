"""The completion script for zsh."""

from collections.abc import Iterable

from webvoice_mcp.cli.completion.vocabulary import Command, Option, Vocabulary, Word

_SCRIPT = """\
#compdef webvoice-mcp
# Completion in zsh, written by: webvoice-mcp completion zsh
_webvoice_mcp() {{
    local -a found starts
    local first='' index
    for ((index = 3; index < CURRENT; index++)); do
        case $words[2]:$words[index] in
        ({skipped}) ((index++)) ;;
        (*:-*) ;;
        (*) first=$words[index]; break ;;
        esac
    done
    if ((CURRENT == 2)); then
        found=({commands})
        [[ $words[2] == -* ]] && found=({own_options})
    else
        case $words[2]:$words[CURRENT-1] in
{values}
        (*)
            case $words[2]:$words[CURRENT] in
{options}
            (*:*=*) compset -P '*='; compset -P '@'; _files ;;
            (*)
                if [[ -z $first ]]; then
                    case $words[2] in
{choices}
                    esac
                else
                    case $words[2]:$first in
{parameters}
                    esac
                fi
                ;;
            esac
            ;;
        esac
    fi
    (($#found)) && _describe -V webvoice-mcp found
    (($#starts)) && _describe -V webvoice-mcp starts -S ''
    return 0
}}
if [[ $funcstack[1] == _webvoice_mcp ]]; then
    _webvoice_mcp "$@"
else
    compdef _webvoice_mcp webvoice-mcp
fi
"""


def script(vocabulary: Vocabulary) -> str:
    """Return the script."""
    commands = vocabulary.commands
    tools = _words(tool.word for tool in vocabulary.tools)
    return _SCRIPT.format(
        commands=_words(command.word for command in commands),
        own_options=_words(vocabulary.options),
        skipped="|".join(f"{command.word.text}:{name}" for command in commands for name in command.value_options),
        values=_lines(8, (_value(command, option) for command in commands for option in command.options)),
        options=_lines(
            12,
            (
                f"({command.word.text}:-*) found=({_words(option.word for option in command.options)}) ;;"
                for command in commands
            ),
        ),
        choices=_lines(
            20,
            (
                f"({command.word.text}) found=({tools if command.takes_tool else _plain(command.choices)}) ;;"
                for command in commands
                if command.takes_tool or command.choices
            ),
        ),
        parameters=_lines(
            20,
            (
                f"({command.word.text}:{tool.word.text}) starts=({_words(tool.parameters)}) ;;"
                for command in commands
                if command.takes_parameters
                for tool in vocabulary.tools
            ),
        ),
    )


def _value(command: Command, option: Option) -> str:
    if not option.takes_value:
        return ""
    start = f"({command.word.text}:{option.word.text})"
    if option.is_folder:
        return f"{start} _files -/ ;;"
    name = "starts" if option.values and option.values[0].endswith("=") else "found"
    return f"{start} {name}=({_plain(option.values)}) ;;" if option.values else f"{start} ;;"


def _words(words: Iterable[Word]) -> str:
    return " ".join(_quoted(f"{word.text}:{word.about}") for word in words)


def _plain(words: Iterable[str]) -> str:
    return " ".join(map(_quoted, words))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _lines(indent: int, lines: Iterable[str]) -> str:
    return "\n".join(" " * indent + line for line in lines if line)
