"""The completion script for bash, 3.2 and later."""

from collections.abc import Iterable

from webvoice_mcp.cli.completion.vocabulary import Command, Vocabulary

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
    tools = " ".join(tool.word.text for tool in vocabulary.tools)
    return _SCRIPT.format(
        commands=" ".join(command.word.text for command in commands),
        own_options=" ".join(word.text for word in vocabulary.options),
        skipped="|".join(f"{command.word.text}:{name}" for command in commands for name in command.value_options),
        values=_lines(8, (line for command in commands for line in _values(command))),
        options=_lines(12, (f"{command.word.text}:-*) words='{_options(command)}' ;;" for command in commands)),
        choices=_lines(
            20,
            (
                f"{command.word.text}) words='{tools if command.takes_tool else ' '.join(command.choices)}' ;;"
                for command in commands
                if command.takes_tool or command.choices
            ),
        ),
        parameters=_lines(
            20,
            (
                f"{command.word.text}:{tool.word.text}) words='{' '.join(word.text for word in tool.parameters)}' ;;"
                for command in commands
                if command.takes_parameters
                for tool in vocabulary.tools
            ),
        ),
    )


def _values(command: Command) -> Iterable[str]:
    for option in command.options:
        if option.takes_value:
            start = f"{command.word.text}:{option.word.text}) "
            if option.is_folder:
                yield f'{start}COMPREPLY=($(compgen -d -- "$word")); compopt -o filenames 2>/dev/null; return ;;'
            else:
                yield f"{start}words='{' '.join(option.values)}' ;;" if option.values else f"{start}return ;;"


def _options(command: Command) -> str:
    return " ".join(option.word.text for option in command.options)


def _lines(indent: int, lines: Iterable[str]) -> str:
    return "\n".join(" " * indent + line for line in lines)
