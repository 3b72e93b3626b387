"""`webvoice-mcp status`: the account, its credits and the key in use."""

import argparse

from webvoice_mcp.cli.service_calls import call_service, run_async
from webvoice_mcp.cli.startup import STATE_DIR, load_settings
from webvoice_mcp.cli.terminal import CommandError
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.redaction import mask_key, redact
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.tools.account import webvoice_status


def run(options: argparse.Namespace) -> int:
    """Print the key in use and the service's answer about the account."""
    settings = load_settings(STATE_DIR)
    key = run_async(Keys(settings, KeyStore(settings.credentials_file)).find)
    if key is None:
        raise CommandError(f"No API key is known for {settings.base_url}. Get one with: webvoice-mcp login")
    # Printed before the request: a user may need the key because the service cannot be reached.
    print(f"base URL: {settings.base_url}")
    print(f"key: {key.value if options.show_key else mask_key(key.value)} ({key.source})")
    status = call_service(settings, lambda services: webvoice_status(client=services.free_client, keys=services.keys))
    key_facts = {f"key {name}": value for name, value in (status.api_key or {}).items()}
    for name, value in {"account": status.user, "credits": status.credits, **key_facts}.items():
        if value is not None:
            text = f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
            print(redact(f"{name.replace('_', ' ')}: {text}"))
    return 0
