"""What `webvoice-mcp doctor` can see without the network: settings, keys, folders, proxy, engines, launcher."""

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from webvoice_mcp import __version__
from webvoice_mcp.cli import _launcher
from webvoice_mcp.cli._account import wait_for
from webvoice_mcp.cli._machine import Machine
from webvoice_mcp.client.answers import plain
from webvoice_mcp.client.auth import ApiKey, Keys, mask
from webvoice_mcp.errors import DiskError
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import PLACEHOLDER_KEYS, TOOLSETS, Settings, SettingsError

GET_A_KEY = "Run `webvoice-mcp login`, or ask your agent to register you, or set WEBVOICE_API_KEY."

_WIDTH = 22  # of the names' column
_MIB = 1024 * 1024
_COMMAND = "webvoice-mcp"
_EXTRA = re.compile(r"([A-Za-z0-9._-]+).*extra *== *['\"]sandbox['\"]")

# Programs that a desktop starts know no shell's startup files, and so no folder that these add.
_DESKTOP_PATH = {
    "darwin": "/usr/bin:/bin:/usr/sbin:/sbin",
    "linux": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's.

    Attributes:
        check: what was looked at.
        ok: False where something is to be done; information is True.
        detail: what was found.
        cure: what to do, where `ok` is False.
        made: False where another failure left no way to look.
    """

    check: str
    ok: bool
    detail: str
    cure: str = ""
    made: bool = True

    def safe(self, *keys: str) -> "Check":
        """The check without any key in it, and without what a terminal would obey."""
        return replace(self, detail=plain(self.detail, *keys), cure=plain(self.cure, *keys))

    def fields(self) -> dict[str, str | bool]:
        """The check as JSON has it."""
        fields: dict[str, str | bool] = {"check": self.check, "ok": self.ok, "detail": self.detail}
        return fields | ({"cure": self.cure} if self.cure else {})

    def line(self) -> str:
        """The check for a person."""
        state = "ok" if self.ok else "FAILED" if self.made else "-"
        said = f"{state:6}  {self.check:{_WIDTH}}  {self.detail}"
        return f"{said}\n{'':{_WIDTH + 10}}{self.cure}" if self.cure else said


def program() -> list[Check]:
    """Which program this is, and what runs it."""
    system = f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}"
    return [Check("version", True, __version__), Check("Python", True, f"{system}, {sys.executable}")]


# How each setting is shown. A test holds this together with what is read.
SHOWN: dict[str, Callable[[Settings], str]] = {
    "WEBVOICE_API_KEY": lambda read: mask(read.api_key) if read.api_key else "none",
    "WEBVOICE_BASE_URL": lambda read: read.base_url,
    "WEBVOICE_OUTPUT_DIR": lambda read: str(read.output_dir),
    "WEBVOICE_ALLOWED_DIRS": lambda read: os.pathsep.join(map(str, read.allowed_dirs)) or "no limit",
    "WEBVOICE_OVERWRITE": lambda read: f"{read.overwrite:d}",
    "WEBVOICE_STATE_DIR": lambda read: " and ".join(map(str, _state_folders(read))),
    "WEBVOICE_TOOLSETS": lambda read: "all" if read.toolsets == TOOLSETS else ",".join(sorted(read.toolsets)),
    "WEBVOICE_TIMEOUT": lambda read: f"{read.timeout:g}",
    "WEBVOICE_INLINE_WAIT": lambda read: f"{read.inline_wait:g}",
    "WEBVOICE_MAX_CREDITS": lambda read: _limit(read.max_credits),
    "WEBVOICE_CONFIRM_ABOVE": lambda read: _limit(read.confirm_above),
    "WEBVOICE_INLINE_IMAGES": lambda read: f"{read.inline_images:d}",
    "WEBVOICE_MAX_FILE_MB": lambda read: f"{read.max_file_bytes / _MIB:g}",
    "WEBVOICE_MAX_UPLOAD_MB": lambda read: f"{read.max_upload_bytes / _MIB:g}",
    "WEBVOICE_LOG_LEVEL": lambda read: read.log_level,
}


def settings(environ: Mapping[str, str]) -> tuple[Settings, list[Check]]:
    """The settings with a default in place of each that cannot be read, and a check for each variable."""
    refused: dict[str, str] = {}
    for name in SHOWN:
        try:
            Settings.read({name: environ.get(name, "")})
        except SettingsError as error:
            refused[name] = str(error)
    read = Settings.read({name: value for name, value in environ.items() if name not in refused})
    checks = [_setting(name, environ.get(name, "").strip(), refused.get(name, ""), read) for name in SHOWN]
    unknown = sorted(name for name in environ if name.startswith("WEBVOICE_") and name not in SHOWN)
    return read, checks + [Check(name, True, "no setting of this server; it has no effect") for name in unknown]


def _setting(name: str, value: str, refused: str, read: Settings) -> Check:
    if refused:
        return Check(name, False, refused, f"Correct or remove {name}; the server does not start with it.")
    if "${" in value:
        return Check(
            name,
            False,
            "a placeholder that the client left unexpanded (${…}); it counts as unset",
            f"Put a value in its place, or remove {name} from the client's configuration.",
        )
    if value in PLACEHOLDER_KEYS:
        return Check(
            name, False, "the documentation's example, which is no key; it counts as unset", f"Remove it. {GET_A_KEY}"
        )
    return Check(name, True, f"{SHOWN[name](read)} ({'environment' if value else 'default'})")


def _limit(credits_: float | None) -> str:
    return "unset" if credits_ is None else f"{credits_:g}"


def _state_folders(read: Settings) -> list[Path]:
    return list(dict.fromkeys((read.credentials_file.parent, read.history_file.parent)))


def key(read: Settings, store: KeyStore) -> tuple[ApiKey | None, Check]:
    """The key that would go out, and whether there is one."""
    try:
        found = wait_for(Keys(read, store).find)
        elsewhere = [base_url for base_url in store.services() if base_url != read.base_url]
        damaged = store.set_aside()
    except DiskError as error:
        return None, Check("key found", False, str(error), "Make that file readable, or set WEBVOICE_STATE_DIR.")
    if found is not None:
        where = "WEBVOICE_API_KEY" if found.source == "environment" else str(read.credentials_file)
        return found, Check("key found", True, f"{mask(found.value)} ({found.source}: {where})")
    detail = f"none for {read.base_url}"
    if damaged:
        detail += f"; a damaged key file was set aside as {damaged[-1]}"
    if elsewhere:
        detail += f"; saved are keys for {', '.join(elsewhere)}"
        return None, Check("key found", False, detail, f"Check WEBVOICE_BASE_URL. {GET_A_KEY}")
    return None, Check("key found", False, detail, GET_A_KEY)


def folders(read: Settings) -> Iterator[Check]:
    """Whether files and keys can be saved."""
    yield _writable("output folder writable", read.output_dir, "WEBVOICE_OUTPUT_DIR")
    for what, folder in zip(("key folder writable", "history folder writable"), _state_folders(read), strict=False):
        yield _writable(what, folder, "WEBVOICE_STATE_DIR")


def _writable(what: str, folder: Path, variable: str) -> Check:
    # os.path's answer is no where Path's is an exception: below a folder that may not be looked into.
    there = next((each for each in (folder, *folder.parents) if os.path.exists(each)), folder)  # noqa: PTH110 - as said
    try:
        # Trying is the only answer that holds on every system; what is made is gone at once.
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        reason = f"{there}: {error.strerror or type(error).__name__}"
        return Check(what, False, reason, f"Make it a folder that you may write to, or set {variable} to one.")
    return Check(what, True, f"{folder}" if there == folder else f"{folder} (made when first needed)")


def proxy(read: Settings) -> Check:
    """Whether a proxy stands between us and the service."""
    url = urlsplit(read.base_url)
    proxies = getproxies()
    through = proxies.get(url.scheme) or proxies.get("all", "")
    if not through:
        return Check("proxy", True, "none")
    host = re.sub(r"^(.*://)?.*@", r"\1", through)  # a name and a password may stand before it
    if url.scheme == "http" or proxy_bypass(url.netloc):
        return Check("proxy", True, f"{host} is set, and not used for {url.netloc}")
    return Check("proxy", True, f"{url.netloc} is reached through {host}")


def engines() -> Check:
    """Whether the sandbox has its engines; the service needs none, so this never fails."""
    what = "sandbox engines"
    try:
        wanted = [found[1] for text in metadata.requires(_COMMAND) or [] if (found := _EXTRA.match(text))]
    except metadata.PackageNotFoundError:
        return Check(what, True, "not known: this is a source tree that was not installed")
    missing = [name for name in wanted if not _installed(name)]
    if not missing:
        return Check(what, True, f"all here: {', '.join(wanted)}")
    install = "pip install 'webvoice-mcp[sandbox]'"
    return Check(what, True, f"missing: {', '.join(missing)}; only the sandbox and the demo need them ({install})")


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def desktop() -> Check:
    """What a client finds that was started from the desktop, with a bare PATH."""
    what = "desktop launcher"
    path = _DESKTOP_PATH.get(sys.platform, os.environ.get("PATH", ""))
    if found := shutil.which(_COMMAND, path=path):
        return Check(what, True, f"a client started from the desktop finds {_COMMAND} as {found}")
    launch = _launcher.launch(Machine.here(), full_path=True)
    told = " ".join(launch.words)
    detail = f"a client started from the desktop does not find {_COMMAND} by its name"
    if os.path.isabs(launch.command):  # noqa: PTH117 - a text
        return Check(what, True, f"{detail}; as command give it {told}")
    return Check(what, True, f"{detail}, nor uvx: before you put it into such a client, {_launcher.LASTING}")
