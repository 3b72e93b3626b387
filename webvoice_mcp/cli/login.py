"""`webvoice-mcp login`: register or sign in by e-mail code, with the same code as the tools."""

import argparse
import sys


def run(words: list[str]) -> int:
    """Ask for the address, the consent and the code; then the key is saved."""
    parser = argparse.ArgumentParser(
        prog="webvoice-mcp login", description="Register or sign in by e-mail code.", allow_abbrev=False
    )
    parser.add_argument("--email", default="", help="your e-mail address; asked for when it is not given")
    email: str = parser.parse_args(words).email
    from webvoice_mcp.cli import _account, _sign_in, _start  # noqa: PLC0415 - after the words are known to be right
    from webvoice_mcp.errors import WebVoiceError  # noqa: PLC0415 - as above

    settings = _start.settings()
    try:
        return _sign_in.sign_in(settings, email)
    except (_account.Stopped, WebVoiceError) as error:
        return _account.stopped("login", error)
    except KeyboardInterrupt:
        print(
            "\nwebvoice-mcp login: stopped; webvoice-mcp status tells whether a key was saved.", end="", file=sys.stderr
        )
        raise
