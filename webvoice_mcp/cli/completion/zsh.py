"""The completion script for zsh."""

from collections.abc import Iterable

from webvoice_mcp.cli.completion.vocabulary import Command, Option, Vocabulary, Word, indented

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
    return _SCRIPT.format(
        commands=_words(command.word for command in commands),
        own_options=_words(vocabulary.options),
        skipped="|".join(f"{command}:{option}" for command, option in vocabulary.value_options),
        values=indented(8, (_value(command, option) for command in commands for option in command.options)),
        options=indented(12, (f"({command.word.text}:-*) found=({_options(command)}) ;;" for command in commands)),
        choices=indented(
            20, (f"({command}) found=({_words(words)}) ;;" for command, words in vocabulary.first_words.items())
        ),
        parameters=indented(
            20,
            (
                f"({command}:{tool}) starts=({_words(words)}) ;;"
                for (command, tool), words in vocabulary.parameters.items()
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
    return f"{start} {name}=({' '.join(map(_quoted, option.values))}) ;;" if option.values else f"{start} ;;"


def _options(command: Command) -> str:
    return _words(option.word for option in command.options)


def _words(words: Iterable[Word]) -> str:
    return " ".join(_quoted(f"{word.text}:{word.about}" if word.about else word.text) for word in words)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
