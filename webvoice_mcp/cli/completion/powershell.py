"""The completion script for PowerShell, 5.1 and later."""

from collections.abc import Iterable, Mapping

from webvoice_mcp.cli.completion.vocabulary import Vocabulary, Word, indented

_SCRIPT = """\
# Completion in PowerShell, written by: webvoice-mcp completion powershell
Register-ArgumentCompleter -Native -CommandName 'webvoice-mcp', 'webvoice-mcp.exe' -ScriptBlock {{
    param($wordToComplete, $commandAst, $cursorPosition)
    $top = @(
{top}
    )
    $options = @{{
{options}
    }}
    $values = @{{
{values}
    }}
    $next = @{{
{choices}
    }}
    $typed = @($commandAst.CommandElements | Where-Object {{ $_.Extent.EndOffset -lt $cursorPosition }} |
        ForEach-Object {{ $_.Extent.Text }} | Select-Object -Skip 1)
    $found = @()
    if ($typed.Count -eq 0) {{
        $found = $top | Where-Object {{ ($_[0] -like '-*') -eq ($wordToComplete -like '-*') }}
    }} elseif ($values.ContainsKey("$($typed[0]) $($typed[-1])")) {{
        $found = $values["$($typed[0]) $($typed[-1])"]
    }} elseif ($wordToComplete -like '-*') {{
        $found = $options[$typed[0]]
    }} else {{
        $first = ''
        for ($index = 1; $index -lt $typed.Count -and -not $first; $index++) {{
            if ($typed[$index] -notlike '-*' -and -not $values.ContainsKey("$($typed[0]) $($typed[$index - 1])")) {{
                $first = $typed[$index]
            }}
        }}
        $found = $next["$($typed[0]) $first".Trim()]
    }}
    $found | Where-Object {{ $_ -and $_[0] -like "$wordToComplete*" }} | ForEach-Object {{
        $about = if ($_[1]) {{ $_[1] }} else {{ $_[0] }}
        [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $about)
    }}
}}
"""


def script(vocabulary: Vocabulary) -> str:
    """Return the script."""
    commands = vocabulary.commands
    top = [*(command.word for command in commands), *vocabulary.options]
    following = {
        **vocabulary.first_words,
        **{" ".join(names): words for names, words in vocabulary.parameters.items()},
    }
    values = {
        f"{command.word.text} {option.word.text}": [Word(value, "") for value in option.values]
        for command in commands
        for option in command.options
        if option.takes_value
    }
    options = {command.word.text: [option.word for option in command.options] for command in commands}
    return _SCRIPT.format(
        top=indented(8, map(_pair, top)),
        options=_table(options),
        values=_table(values),
        choices=_table(following),
    )


def _table(entries: Mapping[str, Iterable[Word]]) -> str:
    return indented(8, (f"{_quoted(name)} = @({'; '.join(map(_pair, words))})" for name, words in entries.items()))


def _pair(word: Word) -> str:
    # The comma keeps PowerShell from joining the pairs into one list.
    return f",@({_quoted(word.text)}, {_quoted(word.about)})"


def _quoted(text: str) -> str:
    marks = "'\u2018\u2019\u201a\u201b"  # PowerShell takes each of them for the end of a text
    return "'" + "".join(2 * letter if letter in marks else letter for letter in text) + "'"
