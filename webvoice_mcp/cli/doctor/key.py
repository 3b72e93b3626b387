"""Checks that there is an API key."""

from webvoice_mcp.cli.doctor.check import GET_A_KEY, Check
from webvoice_mcp.cli.service_calls import run_async
from webvoice_mcp.cli.startup import STATE_DIR
from webvoice_mcp.client.auth import ApiKey, Keys
from webvoice_mcp.client.redaction import mask_key
from webvoice_mcp.errors import DiskError
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import Settings

_NAME = "key found"


def check(settings: Settings, store: KeyStore) -> tuple[ApiKey | None, Check]:
    """Check that there is a key for the base URL, and return it."""
    if STATE_DIR in settings.unknown_folders and not settings.api_key:
        return None, Check(_NAME, False, f"not checked: {STATE_DIR} is unset", "Fix that first.", was_run=False)
    try:
        key = run_async(Keys(settings, store).find)
        other_services, damaged = [], []
        if STATE_DIR not in settings.unknown_folders:
            other_services = [base_url for base_url in store.services() if base_url != settings.base_url]
            damaged = store.damaged_files()
    except DiskError as error:
        return None, Check(_NAME, False, str(error), "Make that file readable, or set WEBVOICE_STATE_DIR.")
    if key is not None:
        source = "WEBVOICE_API_KEY" if key.source == "environment" else str(settings.credentials_file)
        return key, Check(_NAME, True, f"{mask_key(key.value)} ({key.source}: {source})")
    detail = f"none for {settings.base_url}"
    if damaged:
        detail += f"; a damaged key file was set aside as {damaged[-1]}"
    if other_services:
        detail += f"; there are saved keys for {', '.join(other_services)}"
        return None, Check(_NAME, False, detail, f"Check WEBVOICE_BASE_URL. {GET_A_KEY}")
    return None, Check(_NAME, False, detail, GET_A_KEY)
