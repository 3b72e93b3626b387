"""The terminal prompt, and the error that ends a command."""


class CommandError(Exception):
    """A command cannot continue. The message is one line for the user; the exit code is 1."""


def prompt(question: str) -> str:
    """Ask a question and return the answer without surrounding spaces.

    Raises:
        CommandError: nobody can answer.
    """
    try:
        # In some locales Python keeps bytes that are no text as halves of characters, which cannot be sent.
        return input(question).strip().encode("utf-8", "replace").decode()
    except (EOFError, OSError, RuntimeError, UnicodeDecodeError):  # stdin ended, is closed, is missing or is not text
        print()
        raise CommandError(
            f"There is no answer to {question.strip()!r}. Run this command in a terminal, where you can type one."
        ) from None
