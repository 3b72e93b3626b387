import os
import re
import sys
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.settings import DEFAULT_BASE_URL, PLACEHOLDER_KEYS, TOOLSETS, Settings, SettingsError

MIB = 1024 * 1024
NAMES = (
    "API_KEY",
    "BASE_URL",
    "OUTPUT_DIR",
    "ALLOWED_DIRS",
    "OVERWRITE",
    "STATE_DIR",
    "TOOLSETS",
    "MAX_CREDITS",
    "CONFIRM_ABOVE",
    "TIMEOUT",
    "INLINE_WAIT",
    "INLINE_IMAGES",
    "MAX_FILE_MB",
    "MAX_UPLOAD_MB",
    "LOG_LEVEL",
)
GUARDS = ("ALLOWED_DIRS", "MAX_CREDITS", "CONFIRM_ABOVE")
DEFAULTS = Settings(
    api_key="",
    base_url="https://webvoice.easytaskflow.app/api/v1",
    output_dir=Path(platformdirs.user_downloads_dir()) / "webvoice",
    allowed_dirs=(),
    overwrite=False,
    credentials_file=Path(platformdirs.user_config_dir("webvoice-mcp", appauthor=False)) / "credentials.json",
    toolsets=TOOLSETS,
    timeout=600.0,
    inline_wait=45.0,
    max_credits=None,
    confirm_above=None,
    history_file=Path(platformdirs.user_state_dir("webvoice-mcp", appauthor=False)) / "history.db",
    inline_images=True,
    max_file_bytes=2048 * MIB,
    max_upload_bytes=200 * MIB,
    log_level="WARNING",
)


def read(**variables: str) -> Settings:
    return Settings.read({f"WEBVOICE_{name}": value for name, value in variables.items()})


def attempt(environ: dict[str, str]) -> Settings | str:
    """The settings, or why they are refused."""
    try:
        return Settings.read(environ)
    except SettingsError as error:
        return str(error)


def refusal(**variables: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(**variables)
    message = str(caught.value)
    assert message.startswith(f"WEBVOICE_{next(iter(variables))}")
    assert "accepted" in message
    assert message.isprintable()
    return message


def test_without_variables_everything_has_its_default() -> None:
    assert Settings.read({}) == DEFAULTS


@pytest.mark.parametrize("value", ["", " \t", "${user_config.anything}"])
def test_empty_blank_and_unexpanded_variables_count_as_unset(value: str) -> None:
    variables = {f"WEBVOICE_{name}": value for name in NAMES}
    if value.startswith("$"):
        for guard in GUARDS:
            del variables[f"WEBVOICE_{guard}"]

    assert Settings.read(variables) == DEFAULTS


def test_everything_can_be_set(tmp_path: Path) -> None:
    assert read(
        API_KEY=" wv_secret\n",
        BASE_URL="http://localhost:8787/api/v1/",
        OUTPUT_DIR=f"{tmp_path}/out",
        ALLOWED_DIRS=os.pathsep.join([f"{tmp_path}/a", "", f" {tmp_path}/b "]),
        OVERWRITE="1",
        STATE_DIR=f"{tmp_path}/state",
        TOOLSETS="Speech, chat,",
        MAX_CREDITS="12.5",
        CONFIRM_ABOVE="0",
        TIMEOUT="2.5",
        INLINE_WAIT="0",
        INLINE_IMAGES="0",
        MAX_FILE_MB="10",
        MAX_UPLOAD_MB="0.5",
        LOG_LEVEL="debug",
    ) == Settings(
        api_key="wv_secret",
        base_url="http://localhost:8787/api/v1",
        output_dir=tmp_path / "out",
        allowed_dirs=(tmp_path / "a", tmp_path / "b"),
        overwrite=True,
        credentials_file=tmp_path / "state/credentials.json",
        toolsets=frozenset({"account", "speech", "chat"}),
        timeout=2.5,
        inline_wait=0.0,
        max_credits=12.5,
        confirm_above=0.0,
        history_file=tmp_path / "state/history.db",
        inline_images=False,
        max_file_bytes=10 * MIB,
        max_upload_bytes=MIB // 2,
        log_level="DEBUG",
    )


# The key


@pytest.mark.parametrize("key", sorted(PLACEHOLDER_KEYS))
def test_the_keys_of_the_documentation_are_none(key: str) -> None:
    assert read(API_KEY=key).api_key == ""


@given(st.text())
def test_a_key_fits_into_a_header_or_is_refused_without_being_shown(key: str) -> None:
    result = attempt({"WEBVOICE_API_KEY": f"wv_{key}~"})

    if isinstance(result, Settings):
        assert re.fullmatch(r"[!-~]*", result.api_key)
    else:
        assert result == (
            "WEBVOICE_API_KEY (not shown) cannot be used: accepted are printable ASCII characters without spaces."
        )


def test_a_key_is_not_in_the_representation() -> None:
    assert "wv_secret" not in repr(read(API_KEY="wv_secret"))


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith(("_DIR", "_DIRS", "API_KEY"))])
def test_a_key_in_the_wrong_variable_is_not_shown(name: str) -> None:
    message = refusal(**{name: "wv_secret1234"})

    assert "wv_…" in message
    assert "secret" not in message


# The base URL


@pytest.mark.parametrize(
    ("given_url", "url"),
    [
        ("https://WebVoice.EasyTaskFlow.app/api/v1/", DEFAULT_BASE_URL),
        ("HTTPS://webvoice.easytaskflow.app:443/api/v1//", DEFAULT_BASE_URL),
        ("https://example.com", "https://example.com"),
        ("https://example.com:/", "https://example.com"),
        ("https://example.com:8443/API/V1", "https://example.com:8443/API/V1"),
        ("http://LOCALHOST:80/api/v1", "http://localhost/api/v1"),
        ("http://127.1.2.3:9/api/v1", "http://127.1.2.3:9/api/v1"),
        ("http://[::1]:9/api/v1", "http://[::1]:9/api/v1"),
        ("http://[0:0:0:0:0:0:0:1]/api/v1", "http://[::1]/api/v1"),
        ("https://[2001:DB8::1]/api/v1", "https://[2001:db8::1]/api/v1"),
    ],
)
def test_a_base_url_is_brought_into_one_form(given_url: str, url: str) -> None:
    assert read(BASE_URL=given_url).base_url == url
    assert read(BASE_URL=url).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "example.com/api/v1",
        "ftp://example.com",
        "https://",
        "https:///api/v1",
        "https://exam ple.com",
        "https://example.com/a b",
        "https://example.com\\@evil.com",
        "https://exämple.com",
        "https://example..com",
        "https://-,-/",
        "https://example.com:port",
        "https://example.com:99999",
        "https://example.com:0",
        "https://[::1",
        "https://[not-an-address]/",
        "https://[fe80::1%25eth0]/",
        "https://example.com/\x7f",
        "https://example.com/\n.evil.com",
    ],
)
def test_what_is_no_https_url_is_refused(url: str) -> None:
    assert refusal(BASE_URL=url) == (
        f"WEBVOICE_BASE_URL={url!r} cannot be used: accepted is an https URL such as {DEFAULT_BASE_URL}."
        if "@" not in url
        else f"WEBVOICE_BASE_URL='…@evil.com' cannot be used: accepted is an https URL such as {DEFAULT_BASE_URL}."
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pass@example.com/api/v1", "…@example.com/api/v1"),
        ("https://user:pa/ss@example.com/api/v1", "…@example.com/api/v1"),
        ("https://example.com/api/v1?key=pass", "https://example.com/api/v1?…"),
        ("https://example.com/api/v1#pass", "https://example.com/api/v1?…"),
    ],
)
def test_a_password_or_query_is_refused_and_not_shown(url: str, shown: str) -> None:
    assert refusal(BASE_URL=url) == (
        f"WEBVOICE_BASE_URL={shown!r} cannot be used: a user name, password, query or fragment is not accepted."
    )


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "localhost.example.com",
        "128.0.0.1",
        "0.0.0.0",
        "127.1",
        "10.0.0.1",
        "[::2]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_http_is_for_loopback_hosts_only(host: str) -> None:
    assert refusal(BASE_URL=f"http://{host}/api/v1") == (
        f"WEBVOICE_BASE_URL='http://{host}/api/v1' cannot be used:"
        " http is accepted for loopback hosts only (localhost, 127.0.0.1, [::1]); use https."
    )


@given(st.ip_addresses(v=4))
def test_of_all_addresses_those_of_the_loopback_network_may_have_http(address: IPv4Address) -> None:
    if str(address).startswith("127."):
        assert read(BASE_URL=f"http://{address}").base_url == f"http://{address}"
    else:
        refusal(BASE_URL=f"http://{address}")


@given(st.text(alphabet=st.sampled_from("aA0.:/@?#[]%\\- \n\tü")))
def test_any_base_url_is_refused_or_of_the_one_form(rest: str) -> None:
    result = attempt({"WEBVOICE_BASE_URL": f"https://{rest}"})

    if isinstance(result, str):
        assert result.isprintable()
    else:
        url = result.base_url
        parts = urlsplit(url)
        assert (parts.scheme, parts.query, parts.fragment, parts.username) == ("https", "", "", None)
        assert parts.hostname
        assert not url.endswith("/")
        assert read(BASE_URL=url).base_url == url


def test_the_site_is_the_base_url_without_the_api() -> None:
    assert read().site == "https://webvoice.easytaskflow.app"
    assert read(BASE_URL="https://example.com/voice/").site == "https://example.com/voice"


# Folders


def test_folders_may_begin_with_a_tilde_or_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    settings = read(OUTPUT_DIR="~/out", STATE_DIR="state", ALLOWED_DIRS=os.pathsep.join(["~", "x"]))

    assert settings.output_dir == tmp_path / "home/out"
    assert settings.credentials_file == tmp_path / "state/credentials.json"
    assert settings.allowed_dirs == (tmp_path / "home", tmp_path / "x")


@pytest.mark.parametrize("name", ["OUTPUT_DIR", "STATE_DIR", "ALLOWED_DIRS"])
@pytest.mark.parametrize("value", ["a\x00b", "a\nb", "a\udcffb", "~nobody-of-this-name/x"])
def test_what_is_no_folder_is_refused(name: str, value: str) -> None:
    assert repr(value) in refusal(**{name: value})


@pytest.mark.parametrize(
    "value", ["${user_config.folders}", f"/a{os.pathsep}${{HOME}}/b", os.pathsep, f" {os.pathsep} "]
)
def test_the_guard_of_folders_is_never_off_unnoticed(value: str) -> None:
    assert "leave it unset" in refusal(ALLOWED_DIRS=value)


@given(st.lists(st.text(alphabet="ab/. "), max_size=4))
def test_as_many_folders_are_allowed_as_are_named(parts: list[str]) -> None:
    named = [part for part in parts if part.strip()]
    value = os.pathsep.join(parts)
    if value.strip() and not named:
        refusal(ALLOWED_DIRS=value)
    else:
        folders = read(ALLOWED_DIRS=value).allowed_dirs
        assert len(folders) == len(named)
        assert all(folder.is_absolute() for folder in folders)


# Choices and numbers


@pytest.mark.parametrize("name", ["OVERWRITE", "INLINE_IMAGES"])
@pytest.mark.parametrize(
    ("value", "on"),
    [
        ("1", True),
        ("true", True),
        ("YES", True),
        ("on", True),
        ("0", False),
        ("False", False),
        ("no", False),
        ("off", False),
    ],
)
def test_a_switch_is_on_or_off(name: str, value: str, on: bool) -> None:
    assert getattr(read(**{name: value}), name.lower()) is on


@pytest.mark.parametrize("name", ["OVERWRITE", "INLINE_IMAGES"])
def test_another_value_of_a_switch_is_refused(name: str) -> None:
    assert refusal(**{name: "2"}) == f"WEBVOICE_{name}='2' cannot be used: accepted are 1 and 0."


@given(st.sets(st.sampled_from(sorted(TOOLSETS)), min_size=1))
def test_the_account_is_always_among_the_toolsets(names: set[str]) -> None:
    assert read(TOOLSETS=",".join(names)).toolsets == names | {"account"}


def test_all_names_all_toolsets() -> None:
    assert read(TOOLSETS="all").toolsets == TOOLSETS


@pytest.mark.parametrize("value", ["speach", "speech,vidio", ",", "speech chat"])
def test_a_toolset_that_is_not_known_is_refused(value: str) -> None:
    assert refusal(TOOLSETS=value) == (
        f"WEBVOICE_TOOLSETS={value!r} cannot be used: accepted is a comma list of"
        " account, chat, image, messaging, speech, translation, video."
    )


@pytest.mark.parametrize("name", ["TIMEOUT", "MAX_FILE_MB", "MAX_UPLOAD_MB"])
@pytest.mark.parametrize(
    "value", ["0", "-1", "nan", "inf", "1e3", "1_000", "ten", "600s", "\u0661", ".", "0.0", "9" * 13]
)
def test_what_is_no_number_in_range_is_refused(name: str, value: str) -> None:
    assert repr(value) in refusal(**{name: value})


@given(st.floats(min_value=0.001, max_value=86_400))
def test_a_timeout_may_have_decimals(seconds: float) -> None:
    assert read(TIMEOUT=f"{seconds:.9f}").timeout == float(f"{seconds:.9f}")


def test_a_timeout_has_an_end() -> None:
    refusal(TIMEOUT="86400.5")


@pytest.mark.parametrize("name", ["MAX_CREDITS", "CONFIRM_ABOVE", "INLINE_WAIT"])
@pytest.mark.parametrize("value", ["-1", "nan", "inf", "1e3", "1_000", "ten", "5 credits", ".", "9" * 12])
def test_credits_and_waits_that_cannot_be_are_refused(name: str, value: str) -> None:
    assert repr(value) in refusal(**{name: value})


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_is_never_off_because_a_client_left_it_unexpanded(name: str) -> None:
    assert "a placeholder was left unexpanded" in refusal(**{name: "${user_config.guard}"})


@pytest.mark.parametrize("name", ["MAX_CREDITS", "CONFIRM_ABOVE"])
@pytest.mark.parametrize(("value", "credits_"), [("0", 0.0), ("0.5", 0.5), (" 100 ", 100.0), ("", None), ("  ", None)])
def test_a_limit_of_nothing_is_a_limit_and_none_is_none(name: str, value: str, credits_: float | None) -> None:
    read_ = read(**{name: value})
    assert {"MAX_CREDITS": read_.max_credits, "CONFIRM_ABOVE": read_.confirm_above}[name] == credits_


@pytest.mark.parametrize("level", ["DEBUG", "info", "Warning", "ERROR", "critical"])
def test_a_log_level_may_be_written_in_any_case(level: str) -> None:
    assert read(LOG_LEVEL=level).log_level == level.upper()


def test_a_log_level_that_is_not_known_is_refused() -> None:
    assert refusal(LOG_LEVEL="loud") == (
        "WEBVOICE_LOG_LEVEL='loud' cannot be used: accepted are DEBUG, INFO, WARNING, ERROR, CRITICAL."
    )


@given(st.dictionaries(st.sampled_from([f"WEBVOICE_{name}" for name in NAMES]), st.text()))
def test_any_environment_is_read_or_refused_in_one_line(environ: dict[str, str]) -> None:
    result = attempt(environ)

    if isinstance(result, str):
        assert result.isprintable()
    else:
        assert result.output_dir.is_absolute()
        assert result.credentials_file.is_absolute()


def test_the_standard_folders_are_looked_up_only_where_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "platformdirs", None)

    assert read(OUTPUT_DIR=str(tmp_path), STATE_DIR=str(tmp_path)).output_dir == tmp_path
