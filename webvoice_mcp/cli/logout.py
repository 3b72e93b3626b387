"""`webvoice-mcp logout`: forget the saved keys of this service."""

import argparse


def run(words: list[str]) -> int:
    """Forget the keys of the base URL; those of other base URLs stay."""
    parser = argparse.ArgumentParser(
        prog="webvoice-mcp logout",
        description="Forget the keys that are saved for this base URL.",
        allow_abbrev=False,
    )
    parser.parse_args(words)
    from webvoice_mcp.cli import _account, _start  # noqa: PLC0415 - after the words are known to be right
    from webvoice_mcp.contract.account import links  # noqa: PLC0415 - as above
    from webvoice_mcp.errors import DiskError  # noqa: PLC0415 - as above
    from webvoice_mcp.keystore import KeyStore  # noqa: PLC0415 - as above

    settings = _start.settings()
    store = KeyStore(settings.credentials_file)
    try:
        forgotten = store.forget(settings.base_url)
        damaged = store.set_aside()
    except DiskError as error:
        return _account.stopped("logout", error)
    if forgotten:
        print(f"Forgotten: {forgotten} saved key{'s' * (forgotten > 1)} for {settings.base_url}")
        print(f"The service still knows them; delete them there: {links(settings.site)['api_dashboard']}")
    else:
        print(f"No key was saved for {settings.base_url}")
    for path in damaged:
        print(f"A damaged key file may still hold keys: {path}")
    if settings.api_key:
        print("WEBVOICE_API_KEY is set and goes on being used until it is removed.")
    return 0
