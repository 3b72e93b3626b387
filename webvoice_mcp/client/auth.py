"""The API key that is sent with requests, and the storage of new keys."""

from dataclasses import dataclass, field
from typing import Literal

import anyio

from webvoice_mcp.client.redaction import mask_key
from webvoice_mcp.errors import DiskError, InvalidResponse, NotAuthenticated
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import Settings
from webvoice_mcp.storage.threads import WorkerThreads


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key and its source."""

    value: str = field(repr=False)
    source: Literal["environment", "saved"]


@dataclass(frozen=True, slots=True)
class StoredKey:
    """The outcome of storing a new key.

    Attributes:
        shown: the masked key, or the key itself if it could not be saved.
        saved_to: path of the key file, "" if it could not be saved.
        note: information for the user, "" for none.
    """

    shown: str = field(repr=False)
    saved_to: str
    note: str

    def facts(self) -> dict[str, str]:
        """Return the fields about the key for a tool's result, without empty ones."""
        facts = {"api_key": self.shown, "api_key_saved_to": self.saved_to, "note": self.note}
        return {name: value for name, value in facts.items() if value}


class Keys:
    """The key for one base URL: the one from the environment, else the saved one.

    The key file is read in a thread, because setting aside a damaged file may wait for another process's lock.
    """

    def __init__(self, settings: Settings, store: KeyStore) -> None:
        self._settings = settings
        self._store = store
        self._threads = WorkerThreads(4)

    async def find(self) -> ApiKey | None:
        """Return the key to use now, None if there is none.

        It is looked up for every request, so that a key that was just saved works at once.

        Raises:
            DiskError: the key file cannot be read.
        """
        if self._settings.api_key:
            return ApiKey(self._settings.api_key, "environment")
        saved = await self._threads.run(self._store.active, self._settings.base_url)
        return ApiKey(saved, "saved") if saved else None

    async def require(self) -> ApiKey:
        """Return the key to use now.

        Raises:
            NotAuthenticated: there is none.
            DiskError: the key file cannot be read.
        """
        if key := await self.find():
            return key
        damaged = await self._threads.run(self._store.damaged_files)
        damage = f" A damaged key file was set aside as {damaged[-1]}." if damaged else ""
        raise NotAuthenticated(
            f"No API key is known for {self._settings.base_url}.{damage} Call webvoice_register_send_code and then "
            "webvoice_register_verify to get one by e-mail (it works at once), or set WEBVOICE_API_KEY."
        )

    async def store(self, *, name: str, key: str, use: bool) -> StoredKey:
        """Save a key for this base URL, even if the caller is cancelled: the service gives a key only once.

        Args:
            name: the key's name.
            key: the key itself.
            use: True to make it this server's key, unless there is one in the environment.
        """
        with anyio.CancelScope(shield=True):
            try:
                await self._threads.run(self._store.save, self._settings.base_url, name=name, key=key, use=use)
            except (DiskError, InvalidResponse) as error:
                return StoredKey(key, "", f"The key could not be saved and is shown only this once. Keep it. {error}")
        note = ""
        if use and self._settings.api_key:
            note = "WEBVOICE_API_KEY is set and stays in use until it is removed."
        return StoredKey(mask_key(key), str(self._settings.credentials_file), note)
