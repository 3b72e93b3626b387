"""The API key that is sent with requests, and the storage of new keys."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Literal

import anyio

from webvoice_mcp.client.redaction import mask_key, sanitize
from webvoice_mcp.errors import DiskError, InvalidResponse, NotAuthenticated
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import Settings
from webvoice_mcp.storage.threads import WorkerThreads

_ENVIRONMENT = "WEBVOICE_API_KEY is set and stays in use until it is removed."
_ANOTHER = "When the cause is removed, a further code or call makes another key."


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key and its source: `memory` is a new key that could not be saved."""

    value: str = field(repr=False)
    source: Literal["environment", "saved", "memory"]


# All requests of a job are paid by the key that it began with, even if another key is at work meanwhile.
_given: ContextVar[ApiKey | None] = ContextVar("given key", default=None)


@dataclass(frozen=True, slots=True)
class Place:
    """The place that a new key may take: what is at work when the user, or nobody, has to be asked about it.

    Attributes:
        key: the key that calls are made with, None if there is none or the service has refused it.
        saved: the saved key, used by every server that has none in its environment; "" for none.
        unsaved: the key that this process uses because it could not be saved, "" for none.
    """

    key: ApiKey | None
    saved: str = field(repr=False)
    unsaved: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """The outcome of storing a new key.

    Attributes:
        masked: the masked key.
        saved_to: path of the key file, "" if it could not be saved.
        note: information for the user, "" for none.
        used: True if it is this server's key from now on, or once there is none in the environment.
    """

    masked: str
    saved_to: str
    note: str
    used: bool = False

    def facts(self) -> dict[str, str]:
        """Return the fields about the key for a tool's result, without empty ones."""
        facts = {"api_key": self.masked, "api_key_saved_to": self.saved_to, "note": self.note}
        return {name: value for name, value in facts.items() if value}


class Keys:
    """The key for one base URL: from the environment, else a new one that could not be saved, else the saved one.

    The key file is read in a thread, because setting aside a damaged file may wait for another process's lock.
    """

    def __init__(self, settings: Settings, store: KeyStore) -> None:
        self._settings = settings
        self._store = store
        self._threads = WorkerThreads(4)
        self._unsaved = ""
        self._unsaved_account = ""
        self._refused: set[str] = set()

    async def find(self) -> ApiKey | None:
        """Return the key to use now, None if there is none.

        It is looked up for every request, so that a key that was just saved works at once.

        Raises:
            DiskError: the key file cannot be read.
        """
        if (given := _given.get()) is not None:
            return given
        if self._settings.api_key:
            return ApiKey(self._settings.api_key, "environment")
        if self._unsaved:
            return ApiKey(self._unsaved, "memory")
        saved = await self._threads.run(self._store.active, self._settings.base_url)
        return ApiKey(saved, "saved") if saved else None

    def use(self, key: ApiKey) -> None:
        """Use this key in the current context, and in tasks that are started in it, whatever key others use."""
        _given.set(key)

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

    def take_note(self, key: str, status: int) -> None:
        """Take note of the status of an answer to a request with this key: 401 means that it was refused."""
        if status == HTTPStatus.UNAUTHORIZED:
            self._refused.add(key)

    async def at_work(self) -> ApiKey | None:
        """Return the key that calls are made with; None if there is none, or the service has refused it in this run."""
        try:
            key = await self.find()
        except DiskError:  # no call can be made, because the key cannot be read
            return None
        return key if key and key.value not in self._refused else None

    async def place(self) -> Place:
        """Return the place that a new key could take now."""
        key = await self.at_work()
        try:
            saved = await self._threads.run(self._store.active, self._settings.base_url)
        except DiskError:
            saved = ""
        return Place(key, saved, self._unsaved)

    def is_stopgap(self, key: ApiKey, account: str) -> bool:
        """Return True if a key could not be saved, and belongs to this account: another one may take its place."""
        return key.source == "memory" and account.casefold() == self._unsaved_account.casefold()

    async def check_store(self) -> None:
        """Check that a new key can be saved.

        Raises:
            DiskError: the file system refuses.
        """
        await self._threads.run(self._store.check_writable)

    async def store(
        self, *, name: str, key: str, use: bool | Place, keep_unused: bool = False, account: str = ""
    ) -> StoredKey:
        """Save a key for this base URL, even if the caller is cancelled: the service gives a key only once.

        A key that cannot be saved is kept in memory if it is to be used.

        Args:
            name: the key's name.
            key: the key itself.
            use: True to make it this server's key, unless there is one in the environment; a place to do so only if
                nothing has changed there, since that is what the user agreed to.
            keep_unused: True to save it so that it is not used even if no other key is saved.
            account: the e-mail address that the key was made for, "" if it is not known.
        """
        masked = mask_key(sanitize(key))
        environment = _ENVIRONMENT if self._settings.api_key else ""
        place = use if isinstance(use, Place) else None
        save = partial(
            self._store.save,
            self._settings.base_url,
            name=name,
            key=key,
            use=bool(use),
            keep_unused=keep_unused,
            instead_of=place.saved if place else None,
        )
        with anyio.CancelScope(shield=True):
            try:
                used = await self._threads.run(save)
            except InvalidResponse as error:
                return StoredKey(masked, "", str(error))
            except DiskError as error:
                used = bool(use) and (place is None or place.unsaved == self._unsaved)
                if used:
                    self._unsaved, self._unsaved_account = key, account
                works = (environment or "It works until this process ends.") if used else "It is not used."
                return StoredKey(masked, "", f"The key could not be saved. {error} {works} {_ANOTHER}", used)
        if used:
            self._unsaved = ""
        note = environment if use or keep_unused else ""
        return StoredKey(masked, str(self._settings.credentials_file), note, used)
