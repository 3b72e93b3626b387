"""The completion script for bash, 3.2 and later."""

from collections.abc import Iterable

from webvoice_mcp.cli.completion.vocabulary import Command, Option, Vocabulary, Word, indented

# `=` ends a word in bash, so `text=Hi` arrives as the three words `text`, `=` and `Hi`.
_SCRIPT = """\
# Completion in bash, written by: webvoice-mcp completion bash
_webvoice_mcp() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}}
    local words='' first='' index
    COMPREPLY=()
    for ((index = 2; index < COMP_CWORD; index++)); do
        case $command:${{COMP_WORDS[index]}} in
        {skipped})
            ((index++))
            [[ ${{COMP_WORDS[index+1]}} == = ]] && ((index += 2))
            ;;
        *:-*) ;;
        *) first=${{COMP_WORDS[index]}}; break ;;
        esac
    done
    if ((COMP_CWORD == 1)); then
        words='{commands}'
        [[ $word == -* ]] && words='{own_options}'
    else
        case $command:$before in
{values}
        *:=) return ;;
        *)
            case $command:$word in
            *:=) return ;;
{options}
            *)
                if [[ -z $first ]]; then
                    case $command in
{choices}
                    esac
                else
                    case $command:$first in
{parameters}
                    esac
                fi
                ;;
            esac
            ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    if [[ ${{#COMPREPLY[@]}} == 1 && ${{COMPREPLY[0]}} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}}
complete -o default -F _webvoice_mcp webvoice-mcp
"""


def script(vocabulary: Vocabulary) -> str:
    """Return the script."""
    commands = vocabulary.commands
    return _SCRIPT.format(
        commands=_texts(command.word for command in commands),
        own_options=_texts(vocabulary.options),
        skipped="|".join(f"{command}:{option}" for command, option in vocabulary.value_options),
        values=indented(8, (_value(command, option) for command in commands for option in command.options)),
        options=indented(12, (f"{command.word.text}:-*) words='{_options(command)}' ;;" for command in commands)),
        choices=indented(
            20, (f"{command}) words='{_texts(words)}' ;;" for command, words in vocabulary.first_words.items())
        ),
        parameters=indented(
            20,
            (
                f"{command}:{tool}) words='{_texts(words)}' ;;"
                for (command, tool), words in vocabulary.parameters.items()
            ),
        ),
    )


def _value(command: Command, option: Option) -> str:
    if not option.takes_value:
        return ""
    start = f"{command.word.text}:{option.word.text}) "
    if option.is_folder:
        return f'{start}COMPREPLY=($(compgen -d -- "$word")); compopt -o filenames 2>/dev/null; return ;;'
    return f"{start}words='{' '.join(option.values)}' ;;" if option.values else f"{start}return ;;"


def _options(command: Command) -> str:
    return _texts(option.word for option in command.options)


def _texts(words: Iterable[Word]) -> str:
    return " ".join(word.text for word in words)
