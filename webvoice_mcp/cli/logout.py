"""`webvoice-mcp logout`: delete the saved keys of this service."""

import argparse

from webvoice_mcp.cli.startup import STATE_DIR, load_settings
from webvoice_mcp.contract.account import links
from webvoice_mcp.keystore import KeyStore


def run(_options: argparse.Namespace) -> int:
    """Delete the saved keys of the base URL; keys of other base URLs stay."""
    settings = load_settings(STATE_DIR)
    store = KeyStore(settings.credentials_file)
    deleted = store.forget(settings.base_url)
    damaged = store.damaged_files()
    if deleted:
        print(f"Deleted {deleted} saved key{'s' * (deleted > 1)} for {settings.base_url}")
        dashboard = links(settings.site)["api_dashboard"]
        print(f"The service still accepts {'them' if deleted > 1 else 'it'}; revoke keys at {dashboard}")
    else:
        print(f"No key was saved for {settings.base_url}")
    for path in damaged:
        print(f"A damaged key file may still hold keys: {path}")
    if settings.api_key:
        print("WEBVOICE_API_KEY is set and stays in use until you remove it.")
    return 0
