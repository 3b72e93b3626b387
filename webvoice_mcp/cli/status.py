"""`webvoice-mcp status`: whose account, how many credits, which key."""

import argparse


def run(words: list[str]) -> int:
    """Show the key that is used, masked, and what the service says of the account; 1 where it could not be asked."""
    parser = argparse.ArgumentParser(
        prog="webvoice-mcp status", description="Whose account, how many credits, which key.", allow_abbrev=False
    )
    parser.add_argument("--show-key", action="store_true", help="show the key itself, which is otherwise masked")
    show_key = parser.parse_args(words).show_key
    from webvoice_mcp.cli import _account, _start  # noqa: PLC0415 - after the words are known to be right
    from webvoice_mcp.client.answers import plain  # noqa: PLC0415 - as above
    from webvoice_mcp.client.auth import Keys, mask  # noqa: PLC0415 - as above
    from webvoice_mcp.errors import WebVoiceError  # noqa: PLC0415 - as above
    from webvoice_mcp.keystore import KeyStore  # noqa: PLC0415 - as above
    from webvoice_mcp.tools.account import webvoice_status  # noqa: PLC0415 - as above

    settings = _start.settings()
    try:
        key = _account.wait_for(Keys(settings, KeyStore(settings.credentials_file)).find)
        if key is None:
            missing = f"No API key is known for {settings.base_url}. Get one with: webvoice-mcp login"
            return _account.stopped("status", _account.Stopped(missing))
        # First what needs no network: a person may want the key just because the service cannot be reached.
        print(f"base URL: {settings.base_url}")
        print(f"key: {key.value if show_key else mask(key.value)} ({key.source})")
        said = _account.ask_service(settings, lambda office: webvoice_status(client=office.client, keys=office.keys))
    except WebVoiceError as error:
        return _account.stopped("status", error)
    facts = {"account": said.user, "credits": said.credits, **{f"key {k}": v for k, v in (said.api_key or {}).items()}}
    for name, value in facts.items():
        if value is not None:
            said_of_it = f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
            print(plain(f"{name.replace('_', ' ')}: {said_of_it}"))
    return 0
