"""Asks the person at the terminal, and reports a command that cannot go on."""


class CommandError(Exception):
    """A command cannot go on. The message is a line for the person; the exit code is 1."""


def prompt(question: str) -> str:
    """Ask a question and return the answer without surrounding spaces.

    Raises:
        CommandError: nobody is there to answer.
    """
    try:
        return input(question).strip()
    except (EOFError, OSError, RuntimeError, UnicodeDecodeError):  # stdin ended, is closed, is missing or is not text
        print()
        raise CommandError(
            f"No answer to {question.strip()!r}: run this command in a terminal, where somebody can answer."
        ) from None
