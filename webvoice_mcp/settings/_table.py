"""The table of settings, and `Settings`, which holds their values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from webvoice_mcp.settings import _folders as folders
from webvoice_mcp.settings import _kinds as kinds
from webvoice_mcp.settings._setting import FormField, Setting

_API_PATH = "/api/v1"

SETTINGS = (
    Setting(
        name="WEBVOICE_API_KEY",
        attribute="api_key",
        kind=kinds.KEY,
        description="API key; it wins over the saved key. Not needed to begin: an agent can register by e-mail code. "
        "Sent only as X-API-Key, and only to the base URL. The example keys of the service's documentation count as "
        "unset.",
        when_unset="none",
        is_secret=True,
        form=FormField(
            "API key",
            "Leave it empty if you have none: Claude can register you by e-mail code, and the key is then saved.",
        ),
    ),
    Setting(
        name="WEBVOICE_OUTPUT_DIR",
        attribute="output_dir",
        kind=folders.OUTPUT_DIR,
        description="Folder for files that are given no path or a relative one; it is made when first needed.",
        when_unset="webvoice in the downloads folder",
        form=FormField(
            "Folder for files", "Speech, images and videos are saved here. Empty: webvoice in your downloads folder."
        ),
    ),
    Setting(
        name="WEBVOICE_ALLOWED_DIRS",
        attribute="allowed_dirs",
        kind=folders.FOLDERS,
        description="Every file that is read or written must lie in one of these folders or in the output folder; "
        "links are resolved first.",
        when_unset="no limit",
        is_guard=True,
        form=FormField(
            "Folders that may be used",
            "If set, no file outside of these folders and the folder above is read or written. Separate them by : (on "
            "Windows by ;).",
        ),
    ),
    Setting(
        name="WEBVOICE_OVERWRITE",
        attribute="overwrite",
        kind=kinds.SWITCH,
        description="1 lets an existing media file be replaced by one of the same kind. No tool has a parameter for "
        "it, because a person should decide.",
        default="0",
        form=FormField("Replace files", "Let an existing file be replaced by one of the same kind."),
    ),
    Setting(
        name="WEBVOICE_MAX_CREDITS",
        attribute="max_credits",
        kind=kinds.CREDITS,
        description="Credits that one run of the server may spend; 0 allows free calls only. An unknown price counts "
        "as above the limit.",
        when_unset="no limit",
        is_guard=True,
        form=FormField(
            "Spend at most", "Credits that may be spent until the next start. Empty: no limit. 0: free calls only."
        ),
    ),
    Setting(
        name="WEBVOICE_MAX_CREDITS_PER_DAY",
        attribute="max_credits_per_day",
        kind=kinds.CREDITS,
        description="Credits that all servers of this user on this computer may spend in a day of local time, jobs "
        "under way included; 0 allows free calls only. It is counted in the history; while that cannot be used, calls "
        "that cost credits are refused.",
        when_unset="no limit",
        is_guard=True,
        form=FormField("Spend at most in a day", "Counts all programs that use WebVoice here. Empty: no limit."),
    ),
    Setting(
        name="WEBVOICE_MAX_CREDITS_PER_MONTH",
        attribute="max_credits_per_month",
        kind=kinds.CREDITS,
        description="The same for a month of local time.",
        when_unset="no limit",
        is_guard=True,
        form=FormField("Spend at most in a month", "Counts all programs that use WebVoice here. Empty: no limit."),
    ),
    Setting(
        name="WEBVOICE_CONFIRM_ABOVE",
        attribute="confirm_above",
        kind=kinds.CREDITS,
        description="A call that is expected to cost more credits asks the user first; if the client cannot ask, the "
        "call is refused.",
        when_unset="never",
        is_guard=True,
        form=FormField("Ask above", "A call that costs more credits than this asks you first. Empty: never."),
    ),
    Setting(
        name="WEBVOICE_TOOLSETS",
        attribute="toolsets",
        kind=kinds.CHOICE_OF_TOOLSETS,
        description="Families of tools to offer; account is always among them.",
        default="all",
        form=FormField("Kinds of tools", f"{kinds.CHOICE_OF_TOOLSETS.accepted.capitalize()}."),
    ),
    Setting(
        name="WEBVOICE_INLINE_IMAGES",
        attribute="inline_images",
        kind=kinds.SWITCH,
        description="1 also hands pictures to the model itself, up to 700 KiB in one answer; 0 only saves them.",
        default="1",
        form=FormField("Show images to the model", "Also hand small pictures to the model itself."),
    ),
    Setting(
        name="WEBVOICE_RESOURCE_LINKS",
        attribute="resource_links",
        kind=kinds.SWITCH,
        description="1 adds a resource_link block for each file to a result, by which VS Code shows it; 0 leaves them "
        "out, for frameworks that fail on them.",
        default="1",
        form=FormField("Link to files", "Add a link to each file, by which some programs show it."),
    ),
    Setting(
        name="WEBVOICE_INLINE_WAIT",
        attribute="inline_wait",
        kind=kinds.seconds(least=0),
        description="Seconds after which a call that costs credits answers with a job_id and goes on in the "
        "background, because many clients give up after 60; 0 waits for the result.",
        default="45",
        form=FormField(
            "Seconds to wait for a result",
            "A call that takes longer goes on in the background. 0: wait for the result.",
        ),
    ),
    Setting(
        name="WEBVOICE_TIMEOUT",
        attribute="timeout",
        kind=kinds.seconds(least=0.001),
        description="Seconds to wait for the service in one call; then the call fails with timeout.",
        default="600",
        form=FormField("Seconds to wait for the service", "A call that takes longer fails."),
    ),
    Setting(
        name="WEBVOICE_MAX_FILE_MB",
        attribute="max_file_bytes",
        kind=kinds.MEBIBYTES,
        description="The most that one answer may put on disk, in MiB; nothing is kept of a larger one.",
        default="2048",
        form=FormField("Largest result in MiB", "The most that one answer may put on disk."),
    ),
    Setting(
        name="WEBVOICE_MAX_UPLOAD_MB",
        attribute="max_upload_bytes",
        kind=kinds.MEBIBYTES,
        description="The largest file that is sent, in MiB.",
        default="200",
        form=FormField("Largest upload in MiB", "The largest file that is sent."),
    ),
    Setting(
        name="WEBVOICE_STATE_DIR",
        attribute="state_dirs",
        kind=folders.STATE_DIRS,
        description="Folder of the saved keys and the history of jobs.",
        when_unset="the user's configuration and state folders",
        form=None,  # the bundle must find keys that were saved without it
    ),
    Setting(
        name="WEBVOICE_BASE_URL",
        attribute="base_url",
        kind=kinds.BASE_URL,
        description="Base URL of the API, without user name, password, query and fragment. http is accepted for "
        "loopback hosts only.",
        default=kinds.DEFAULT_BASE_URL,
        form=FormField("Base URL", "Address of the API; a local sandbox has its own."),
    ),
    Setting(
        name="WEBVOICE_WORKER",
        attribute="worker",
        kind=kinds.SWITCH,
        description="1 lets a process of its own carry out calls that make media: it finishes them when the client "
        "closes or kills the server. 0 runs them in the server, which waits up to 20 seconds for them at its end.",
        default="1",
        form=FormField("Finish when closed", "Speech, pictures and films that were paid for are finished and saved."),
    ),
    Setting(
        name="WEBVOICE_LOG_LEVEL",
        attribute="log_level",
        kind=kinds.LOG_LEVEL,
        description="Least severe messages that are logged to stderr. A key is never logged.",
        default="WARNING",
        form=FormField("Log level", f"One of {', '.join(kinds.LOG_LEVELS)}."),
    ),
)
"""All settings, in the order in which forms and documents list them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in effect, checked and with defaults filled in.

    Attributes:
        api_key: the key from the environment, "" for none.
        base_url: the API's base URL, normalized (lower case, no default port, no final slash) to find saved keys by it.
        output_dir: absolute path of the output folder, which need not exist yet.
        allowed_dirs: absolute paths of the folders that files may be in; empty for no limit.
        overwrite: True if an existing file of the same kind may be replaced.
        credentials_file: path of the key file.
        toolsets: the families of tools that are offered, `account` always among them.
        timeout: seconds to wait for the service in one call.
        inline_wait: seconds that a paid call keeps its caller waiting; 0 for as long as it takes.
        max_credits: credits that one run of the server may spend; None for no limit.
        max_credits_per_day: credits that all servers of the user may spend in a local day; None for no limit.
        max_credits_per_month: the same for a local month.
        confirm_above: credits above which the user is asked first; None for never.
        history_file: path of the history of jobs.
        inline_images: True if pictures are also handed to the model itself.
        resource_links: True if results carry a `resource_link` block for each file.
        max_file_bytes: maximum total size of the files of one answer, in bytes.
        max_upload_bytes: maximum size of an uploaded file, in bytes.
        worker: True if a process of its own carries out calls that make media.
        log_level: the least severe level that is logged, one of `LOG_LEVELS`.
    """

    api_key: str = field(repr=False)
    base_url: str
    output_dir: Path
    allowed_dirs: tuple[Path, ...]
    overwrite: bool
    credentials_file: Path
    toolsets: frozenset[str]
    timeout: float
    inline_wait: float
    max_credits: float | None
    max_credits_per_day: float | None
    max_credits_per_month: float | None
    confirm_above: float | None
    history_file: Path
    inline_images: bool
    resource_links: bool
    max_file_bytes: int
    max_upload_bytes: int
    worker: bool
    log_level: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Read all settings.

        Raises:
            SettingsError: a variable has an invalid value; the first one is named.
        """
        values: dict[str, Any] = {setting.attribute: setting.read(environ) for setting in SETTINGS}
        config, state = values.pop("state_dirs")
        return cls(**values, credentials_file=config / "credentials.json", history_file=state / "history.db")

    @property
    def site(self) -> str:
        """The web site that the API belongs to: the base URL without /api/v1."""
        return self.base_url.removesuffix(_API_PATH)

    @property
    def unknown_folders(self) -> tuple[str, ...]:
        """The variables to set because their default folders are unknown: the user has no home folder."""
        places = {"WEBVOICE_OUTPUT_DIR": (self.output_dir,), "WEBVOICE_STATE_DIR": self.state_dirs}
        return tuple(name for name, used in places.items() if folders.NO_FOLDER in used)

    @property
    def parts_dir(self) -> Path:
        """The folder of paid parts of long work."""
        return self.history_file.with_name("parts")

    @property
    def worker_log(self) -> Path:
        """The log of worker processes."""
        return self.history_file.with_name("worker.log")

    @property
    def limits_spending(self) -> bool:
        """True if a limit or a question depends on what a call costs."""
        limits = (self.max_credits, self.max_credits_per_day, self.max_credits_per_month, self.confirm_above)
        return any(limit is not None for limit in limits)

    @property
    def state_dirs(self) -> tuple[Path, ...]:
        """The folders of the saved keys and of the history: one folder, or two."""
        return tuple(dict.fromkeys((self.credentials_file.parent, self.history_file.parent)))
