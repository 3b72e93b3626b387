"""Which API key goes out, and how a key is shown without showing it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeVar

import anyio
import anyio.to_thread

from webvoice_mcp.contract.account import KEY_PREFIX
from webvoice_mcp.errors import DiskError, InvalidResponse, NotAuthenticated
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import Settings

T = TypeVar("T")

_SHOWN = 4
_KEY = re.compile(rf"{KEY_PREFIX}[A-Za-z0-9_\-]{{6,}}")


def mask(key: str) -> str:
    """`wv_…1a2b`: enough to recognise a key, too little to use it."""
    prefix = KEY_PREFIX if key.startswith(KEY_PREFIX) else ""
    return f"{prefix}…{key[-_SHOWN:]}" if len(key) > 3 * _SHOWN else f"{prefix}…"


def without_keys(text: str, *known: str) -> str:
    """`text` with every API key in it masked: the `known` ones, and whatever looks like one."""
    for key in known:
        if key:
            text = text.replace(key, mask(key))
    return _KEY.sub(lambda found: mask(found[0]), text)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key and where it came from."""

    value: str = field(repr=False)
    source: Literal["environment", "saved"]


class Keys:
    """The key of one base URL: the environment's, else the saved one.

    The key file is read in a thread: a damaged one waits for other processes before it is put aside.
    """

    def __init__(self, settings: Settings, store: KeyStore) -> None:
        self._settings = settings
        self._store = store
        self._threads = anyio.CapacityLimiter(4)  # never anyio's own limiter: stdin and stdout live on it

    async def find(self) -> ApiKey | None:
        """The key to use now. Looked up for every request, so that a key just saved works at once.

        Raises:
            DiskError: the key file cannot be read.
        """
        if self._settings.api_key:
            return ApiKey(self._settings.api_key, "environment")
        saved = await self._in_thread(partial(self._store.active, self._settings.base_url))
        return ApiKey(saved, "saved") if saved else None

    async def require(self) -> ApiKey:
        """The key to use now.

        Raises:
            NotAuthenticated: there is none.
            DiskError: the key file cannot be read.
        """
        if key := await self.find():
            return key
        damaged = await self._in_thread(self._store.set_aside)
        lost = f" A damaged key file was set aside as {damaged[-1]}." if damaged else ""
        raise NotAuthenticated(
            f"No API key is known for {self._settings.base_url}.{lost} Call webvoice_register_send_code and then "
            "webvoice_register_verify to get one by e-mail (it works at once), or set WEBVOICE_API_KEY."
        )

    async def keep(self, *, name: str, key: str, use: bool) -> "Kept":
        """Save a key for this base URL; a cancelled caller does not stop it, for a key is given only once.

        Args:
            use: whether it becomes this server's key, as far as none in the environment wins.
        """
        save = partial(self._store.save, self._settings.base_url, name=name, key=key, use=use)
        with anyio.CancelScope(shield=True):
            try:
                await self._in_thread(save)
            except (DiskError, InvalidResponse) as error:
                return Kept(key, "", f"The key could not be saved, so it is shown here once: keep it. {error}")
        wins = "WEBVOICE_API_KEY is set and goes on being used until it is removed." if self._settings.api_key else ""
        return Kept(mask(key), str(self._settings.credentials_file), wins if use else "")

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._threads)


@dataclass(frozen=True, slots=True)
class Kept:
    """What may be shown of a new key: its masked form, or, where it could not be saved, the key itself."""

    shown: str = field(repr=False)
    saved_to: str
    note: str

    def facts(self) -> dict[str, str]:
        """The parts of a result that tell of the key; what there is nothing to say of is left out."""
        facts = {"api_key": self.shown, "api_key_saved_to": self.saved_to, "note": self.note}
        return {name: value for name, value in facts.items() if value}
