"""`webvoice-mcp completion`: the scripts, in the shells that are on this computer."""

import argparse
import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import TIMEOUT_SECONDS, Command
from webvoice_mcp.cli.clients.mcp_clients import INSTALLABLE
from webvoice_mcp.cli.completion import powershell
from webvoice_mcp.cli.completion.vocabulary import Command as CompletedCommand
from webvoice_mcp.cli.completion.vocabulary import ToolWords, Vocabulary, Word, read_vocabulary
from webvoice_mcp.cli.parser import SHELLS, create_parsers
from webvoice_mcp.settings import SETTINGS, TOOLSETS
from webvoice_mcp.tools.catalogue import offered

pty = pytest.importorskip("pty", reason="Windows has no such terminals")

COMMANDS = {*create_parsers(), "--help", "--version"}
TOOLS = {tool.name: set(tool.sdk_tool().parameters["properties"]) for tool in offered(TOOLSETS)}
CLIENTS = set(INSTALLABLE)

Complete = Callable[[str], set[str]]  # takes a line, returns the words that the shell offers at its end

# A line, and the words that are offered at its end.
LINES: list[tuple[str, set[str]]] = [
    ("webvoice-mcp ", COMMANDS - {"--help", "--version"}),
    ("webvoice-mcp comp", {"completion"}),
    ("webvoice-mcp --v", {"--version"}),
    ("webvoice-mcp completion ", set(SHELLS)),
    ("webvoice-mcp install ", CLIENTS),
    ("webvoice-mcp uninstall cl", {"claude-desktop", "claude-code", "cline"}),
    ("webvoice-mcp install --print --env HTTPS_PROXY=x cu", {"cursor"}),
    (
        "webvoice-mcp install cursor --env WEBVOICE_MAX_CREDITS_PER",
        {f"WEBVOICE_MAX_CREDITS_PER_{period}=" for period in ("DAY", "MONTH")},
    ),
    ("webvoice-mcp install --", {"--print", "--force", "--env", "--media", "--help"}),
    ("webvoice-mcp usage --by ", {"tool", "day", "month"}),
    ("webvoice-mcp status --", {"--show-key", "--help"}),
    ("webvoice-mcp call webvoice_v", {name for name in TOOLS if name.startswith("webvoice_v")}),
    ("webvoice-mcp tools webvoice_", set(TOOLS)),
    ("webvoice-mcp call webvoice_tts ", {f"{name}=" for name in TOOLS["webvoice_tts"]}),
    ("webvoice-mcp call --json webvoice_tts text=Hi sp", {"speed="}),
    ("webvoice-mcp tools webvoice_tts te", set()),
    ("webvoice-mcp sandbox --port 8", set()),
    ("webvoice-mcp demo --output-dir fol", {"folder"}),
    ("webvoice-mcp call webvoice_stt audio_path=rec", {"audio_path=recording.mp3"}),
]


# Start-up files of shells in which one key puts all words that are offered on the line.
START_UP = {
    "bash": """
        bind '"\\C-t": insert-completions'
        source "$SCRIPT"
    """,
    "zsh": """
        unsetopt zle_bracketed_paste list_beep
        autoload -Uz compinit; compinit -u -D
        source "$SCRIPT"
        zstyle ':completion:all:*' completer _all_matches _complete
        zstyle ':completion:all:*' insert true
        zle -C all complete-word _generic
        bindkey '^T' all
    """,
}
PRINT_ARGUMENTS = "webvoice-mcp() { printf '<%s>\\n' \"$@\" END; }; PS1=; stty cols 10000\n"


class TerminalShell:
    """Bash or zsh in a terminal. `webvoice-mcp` is a function in it that prints its arguments."""

    def __init__(self, shell: str, script: Path, folder: Path) -> None:
        start_up = folder.parent / ".zshrc"
        start_up.write_text(START_UP[shell] + PRINT_ARGUMENTS)
        program = {
            "bash": ["bash", "--noprofile", "--rcfile", str(start_up), "-i"],
            "zsh": ["zsh", "--no-globalrcs", "-i"],
        }[shell]
        environ = {**os.environ, "SCRIPT": str(script), "ZDOTDIR": str(start_up.parent), "TERM": "dumb"}
        self._terminal, slave = pty.openpty()
        self._process = subprocess.Popen(
            program, cwd=folder, env=environ, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)

    def complete(self, line: str) -> set[str]:
        """Return the words that are offered at the end of the line."""
        os.write(self._terminal, line.encode() + b"\x14\n")
        *typed, partial = line.split(" ")[1:]
        words = self._read()
        assert words[: len(typed)] == typed
        return set(words[len(typed) :]) - {partial}

    def close(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def _read(self) -> list[str]:
        """Return the arguments that the function has printed."""
        output, deadline = b"", time.monotonic() + TIMEOUT_SECONDS
        while b"<END>" not in output:
            ready, _, _ = select.select([self._terminal], [], [], max(0, deadline - time.monotonic()))
            assert ready, output
            output += os.read(self._terminal, 65536)
        return re.findall(r"<([^<>]*)>", output.decode())[:-1]


def in_fish(script: Path, folder: Path) -> Complete:
    def complete(line: str) -> set[str]:
        words = ["fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", str(script), line]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True)
        return {word.partition("\t")[0] for word in done.stdout.splitlines()}

    return complete


def in_powershell(script: Path, folder: Path) -> Complete:  # pragma: no cover - where there is PowerShell
    def complete(line: str) -> set[str]:
        matches = f"(TabExpansion2 '{line}' {len(line)}).CompletionMatches"
        command = f". '{script}'; {matches} | ForEach-Object {{ $_.CompletionText }}"
        words = ["pwsh", "-NoProfile", "-Command", command]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True)
        return set(done.stdout.splitlines())

    return complete


@pytest.fixture
def script(command: Command, tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a shell's script."""

    def write(shell: str) -> Path:
        code, out, err = command("completion", shell)
        assert (code, err) == (0, "")
        path = tmp_path / {"powershell": "script.ps1"}.get(shell, "script")
        path.write_text(out, encoding="utf-8")
        return path

    return write


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_every_kind_of_word(shell: str, script: Callable[[str], Path], tmp_path: Path) -> None:
    program = {"powershell": "pwsh"}.get(shell, shell)
    if os.name == "nt" or shutil.which(program) is None:
        pytest.skip(f"{program} is not on this computer")
    folder = tmp_path / "here"
    (folder / "folder").mkdir(parents=True)
    (folder / "recording.mp3").touch()
    terminal = TerminalShell(shell, script(shell), folder) if shell in START_UP else None
    try:
        complete = (
            terminal.complete
            if terminal
            else {"fish": in_fish, "powershell": in_powershell}[shell](script(shell), folder)
        )
        offered_words = {line: {word.rstrip("/") for word in complete(line)} for line, _ in LINES}
    finally:
        if terminal:
            terminal.close()
    assert offered_words == dict(LINES)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_holds_all_names_and_no_secret(shell: str, command: Command) -> None:
    code, out, err = command("completion", shell, TOOLSETS="chat")
    assert (code, err) == (0, "")
    words = set(re.findall(r"[\w-]+=?", out))
    assert (COMMANDS | CLIENTS | TOOLS.keys()) - {"--help", "--version"} <= words
    assert {f"{name}=" for parameters in TOOLS.values() for name in parameters} <= words
    assert {f"{setting.name}=" for setting in SETTINGS if not setting.is_secret} <= words
    assert "API_KEY" not in out


def test_every_kind_of_quote_is_doubled_in_powershell() -> None:
    for mark in ("'", "\u2018", "\u2019", "\u201a", "\u201b"):
        word = Word("it", f"it{mark}s “here”")
        call = CompletedCommand(word, (), (), takes_tool=True, takes_parameters=True)
        text = powershell.script(Vocabulary((), (call,), (ToolWords(word, (word,)),)))
        assert text.count(f"'it{mark}{mark}s “here”'") == 3


def test_an_unknown_shell_exits_with_2_and_the_list(command: Command) -> None:
    code, out, err = command("completion", "tcsh")
    assert (code, out) == (2, "")
    assert "invalid choice: 'tcsh'" in err
    assert all(shell in err for shell in SHELLS)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("One. Two.", "One"),
        ("One.\nTwo", "One"),
        ("a  b\tc", "a b c"),
        ("word " * 20, f"{'word ' * 15}word…"),
    ],
)
def test_a_description_is_one_short_sentence(text: str, shown: str) -> None:
    parser = argparse.ArgumentParser(description=text, add_help=False)
    (found,) = read_vocabulary({"x": parser}).commands
    assert found.word.about == shown
