import os
import re
import sys
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webvoice_mcp.settings import (
    DEFAULT_BASE_URL,
    PLACEHOLDER_KEYS,
    SETTINGS,
    TOOLSETS,
    Settings,
    SettingsError,
    unknown_variables,
)

MIB = 1024 * 1024
NAMES = [setting.name for setting in SETTINGS]
GUARDS = [
    "WEBVOICE_ALLOWED_DIRS",
    "WEBVOICE_MAX_CREDITS",
    "WEBVOICE_MAX_CREDITS_PER_DAY",
    "WEBVOICE_MAX_CREDITS_PER_MONTH",
    "WEBVOICE_CONFIRM_ABOVE",
]
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
    max_credits_per_day=None,
    max_credits_per_month=None,
    confirm_above=None,
    history_file=Path(platformdirs.user_state_dir("webvoice-mcp", appauthor=False)) / "history.db",
    inline_images=True,
    resource_links=True,
    max_file_bytes=2048 * MIB,
    max_upload_bytes=200 * MIB,
    worker=True,
    log_level="WARNING",
)


def read(**variables: str) -> Settings:
    return Settings.read({f"WEBVOICE_{name}": value for name, value in variables.items()})


def settings_or_error(environ: dict[str, str]) -> Settings | str:
    """Return the settings, or the error's text."""
    try:
        return Settings.read(environ)
    except SettingsError as error:
        return str(error)


def refusal(**variables: str) -> str:
    """Return the text of the error, which must name the first variable and be one printable line."""
    with pytest.raises(SettingsError) as caught:
        read(**variables)
    message = str(caught.value)
    assert message.startswith(f"WEBVOICE_{next(iter(variables))}")
    assert " cannot be used: " in message
    assert message.isprintable()
    return message


# All settings


def test_without_variables_everything_has_its_default() -> None:
    assert Settings.read({}) == DEFAULTS


def test_empty_blank_and_unexpanded_variables_count_as_unset() -> None:
    for value in ("", " \t"):
        assert Settings.read(dict.fromkeys(NAMES, value)) == DEFAULTS
    assert Settings.read(dict.fromkeys(set(NAMES) - set(GUARDS), "${user_config.anything}")) == DEFAULTS


def test_a_guard_with_an_unexpanded_placeholder_is_refused() -> None:
    assert [setting.name for setting in SETTINGS if setting.is_guard] == GUARDS
    for name in GUARDS:
        message = refusal(**{name.removeprefix("WEBVOICE_"): "${user_config.guard}"})
        assert "a placeholder was left unexpanded; it must be" in message
        assert message.endswith(", or be left unset.")


def test_everything_can_be_set_and_is_described(tmp_path: Path) -> None:
    given_values = {
        "API_KEY": " wv_secret\n",
        "BASE_URL": "http://localhost:8787/api/v1/",
        "OUTPUT_DIR": f"{tmp_path}/out",
        "ALLOWED_DIRS": os.pathsep.join([f"{tmp_path}/a", "", " ", f" {tmp_path}/b "]),
        "OVERWRITE": "1",
        "STATE_DIR": f"{tmp_path}/state",
        "TOOLSETS": "Speech, chat,",
        "MAX_CREDITS": "12.5",
        "MAX_CREDITS_PER_DAY": "20",
        "MAX_CREDITS_PER_MONTH": "0",
        "CONFIRM_ABOVE": "0",
        "TIMEOUT": "2.5",
        "INLINE_WAIT": "0",
        "INLINE_IMAGES": "0",
        "RESOURCE_LINKS": "0",
        "MAX_FILE_MB": "10",
        "MAX_UPLOAD_MB": "0.5",
        "WORKER": "0",
        "LOG_LEVEL": "debug",
    }
    settings = read(**given_values)
    assert settings == Settings(
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
        max_credits_per_day=20.0,
        max_credits_per_month=0.0,
        confirm_above=0.0,
        history_file=tmp_path / "state/history.db",
        inline_images=False,
        resource_links=False,
        max_file_bytes=10 * MIB,
        max_upload_bytes=MIB // 2,
        worker=False,
        log_level="DEBUG",
    )
    assert {setting.name: setting.describe(settings) for setting in SETTINGS} == {
        "WEBVOICE_API_KEY": "set",
        "WEBVOICE_OUTPUT_DIR": str(tmp_path / "out"),
        "WEBVOICE_ALLOWED_DIRS": os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]),
        "WEBVOICE_OVERWRITE": "1",
        "WEBVOICE_MAX_CREDITS": "12.5",
        "WEBVOICE_MAX_CREDITS_PER_DAY": "20",
        "WEBVOICE_MAX_CREDITS_PER_MONTH": "0",
        "WEBVOICE_CONFIRM_ABOVE": "0",
        "WEBVOICE_TOOLSETS": "account,chat,speech",
        "WEBVOICE_INLINE_IMAGES": "0",
        "WEBVOICE_RESOURCE_LINKS": "0",
        "WEBVOICE_INLINE_WAIT": "0",
        "WEBVOICE_TIMEOUT": "2.5",
        "WEBVOICE_MAX_FILE_MB": "10",
        "WEBVOICE_MAX_UPLOAD_MB": "0.5",
        "WEBVOICE_STATE_DIR": str(tmp_path / "state"),
        "WEBVOICE_BASE_URL": "http://localhost:8787/api/v1",
        "WEBVOICE_WORKER": "0",
        "WEBVOICE_LOG_LEVEL": "DEBUG",
    }


def test_a_default_is_described_by_the_text_it_is_read_from() -> None:
    described = {setting.name: setting.describe(DEFAULTS) for setting in SETTINGS}
    assert {setting.name: setting.default for setting in SETTINGS if setting.default}.items() <= described.items()
    assert [described[name] for name in GUARDS] == ["no limit", *["unset"] * 4]
    assert described["WEBVOICE_API_KEY"] == "none"


def test_the_key_is_the_only_secret_and_never_in_the_repr() -> None:
    assert [setting.name for setting in SETTINGS if setting.is_secret] == ["WEBVOICE_API_KEY"]
    assert "wv_secret" not in repr(read(API_KEY="wv_secret"))


def test_a_key_in_the_wrong_variable_is_not_shown() -> None:
    for name in NAMES:
        if not name.endswith(("_DIR", "_DIRS", "API_KEY")):
            message = refusal(**{name.removeprefix("WEBVOICE_"): "Wv_secret1234"})
            assert "wv_…" in message
            assert "secret" not in message


HOSTS = st.sampled_from(
    ["evil", "[::1]", "::1", "[", "]", "127.0.0.1", "localhost", ".", "%5b", ":80", "", "a.example"]
)


@given(st.lists(HOSTS, min_size=1, max_size=4).map("".join), st.sampled_from(["http", "https"]))
@example("evil[::1]", "http")
@example("[::1]evil", "http")
@example("[::1].evil:80", "https")
@example("[[::1]]", "http")
def test_a_host_in_brackets_is_the_whole_host(host: str, scheme: str) -> None:
    result = settings_or_error({"WEBVOICE_BASE_URL": f"{scheme}://{host}/api/v1"})
    if isinstance(result, Settings) and "[" in host:
        assert re.fullmatch(r"\[::1\](:80|:)?", host)
    if isinstance(result, Settings) and scheme == "http":
        assert not re.search("evil|example", host)


@given(st.dictionaries(st.sampled_from(NAMES), st.text()))
def test_any_environment_is_read_or_refused_in_one_line(environ: dict[str, str]) -> None:
    result = settings_or_error(environ)
    if isinstance(result, str):
        assert result.isprintable()
    else:
        assert result.output_dir.is_absolute()
        assert result.credentials_file.is_absolute()


# Variables that are no settings


def test_a_variable_that_is_no_setting_is_found_with_the_nearest_name() -> None:
    environ = {"WEBVOICE_MAX_CREDIT": "0", "WEBVOICE_": "", "webvoice_timeout": "1", "WEBVOICEX": "", "PATH": "/bin"}
    found = unknown_variables(environ | dict.fromkeys(NAMES, ""))
    assert list(found) == ["WEBVOICE_", "WEBVOICE_MAX_CREDIT", "webvoice_timeout"]
    assert (found["WEBVOICE_MAX_CREDIT"], found["webvoice_timeout"]) == ("WEBVOICE_MAX_CREDITS", "WEBVOICE_TIMEOUT")


@given(st.text())
def test_any_variable_that_is_no_setting_gets_a_setting_s_name(rest: str) -> None:
    name = f"WEBVOICE_{rest}"
    assert name in NAMES or unknown_variables({name: "x"})[name] in NAMES


# The key


def test_example_keys_of_the_documentation_count_as_unset() -> None:
    assert len(PLACEHOLDER_KEYS) == 3
    assert {read(API_KEY=key).api_key for key in PLACEHOLDER_KEYS} == {""}


@given(st.text())
def test_a_key_fits_into_a_header_or_is_refused_without_being_shown(key: str) -> None:
    result = settings_or_error({"WEBVOICE_API_KEY": f"wv_{key}~"})
    if isinstance(result, Settings):
        assert re.fullmatch(r"[!-~]*", result.api_key)
    else:
        assert result == (
            "WEBVOICE_API_KEY (not shown) cannot be used: it must be printable ASCII characters without spaces."
        )


# The base URL


def test_a_base_url_is_normalized() -> None:
    for given_url, url in {
        "https://WebVoice.EasyTaskFlow.app/api/v1/": DEFAULT_BASE_URL,
        "HTTPS://webvoice.easytaskflow.app:443/api/v1//": DEFAULT_BASE_URL,
        "https://example.com": "https://example.com",
        "https://example.com:/": "https://example.com",
        "https://example.com:8443/API/V1": "https://example.com:8443/API/V1",
        "http://LOCALHOST:80/api/v1": "http://localhost/api/v1",
        "http://127.1.2.3:9/api/v1": "http://127.1.2.3:9/api/v1",
        "http://[0:0:0:0:0:0:0:1]:9/api/v1": "http://[::1]:9/api/v1",
        "https://[2001:DB8::1]/api/v1": "https://[2001:db8::1]/api/v1",
    }.items():
        assert read(BASE_URL=given_url).base_url == url
        assert read(BASE_URL=url).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "example.com/api/v1",
        "ftp://example.com",
        "https:///api/v1",
        "https://exam ple.com",
        "https://example.com/\\.evil.com",
        "https://exämple.com",
        "https://example..com",
        "https://-,-/",
        "https://example.com:port",
        "https://example.com:0",
        "https://[::1",
        "https://[not-an-address]/",
        "https://[fe80::1%25eth0]/",
        "https://example.com/\n.evil.com",
    ],
)
def test_a_text_that_is_not_an_https_url_is_refused(url: str) -> None:
    assert refusal(BASE_URL=url) == (
        f"WEBVOICE_BASE_URL={url!r} cannot be used: it must be an https URL such as {DEFAULT_BASE_URL}."
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pa/ss@example.com/api/v1", "…@example.com/api/v1"),
        ("https://example.com/api/v1?key=pass", "https://example.com/api/v1?…"),
        ("https://example.com/api/v1#pass", "https://example.com/api/v1?…"),
    ],
)
def test_a_password_or_query_is_refused_and_not_shown(url: str, shown: str) -> None:
    assert refusal(BASE_URL=url) == (
        f"WEBVOICE_BASE_URL={shown!r} cannot be used: a user name, password, query or fragment is not accepted."
    )
    # A URL that is refused for another reason is shown without password and query as well.
    assert "pa" not in refusal(BASE_URL=f"{url}\\").removeprefix("WEBVOICE_BASE_URL").partition(" cannot ")[0]


def test_http_is_refused_for_hosts_that_are_not_loopback() -> None:
    for host in ("example.com", "localhost.example.com", "127.1", "[::2]", "[::ffff:127.0.0.1]"):
        assert refusal(BASE_URL=f"http://{host}/api/v1") == (
            f"WEBVOICE_BASE_URL='http://{host}/api/v1' cannot be used:"
            " http is accepted for loopback hosts only (localhost, 127.0.0.1, [::1]); use https."
        )


@given(st.ip_addresses(v=4))
def test_http_is_accepted_for_addresses_of_the_loopback_network_only(address: IPv4Address) -> None:
    if str(address).startswith("127."):
        assert read(BASE_URL=f"http://{address}").base_url == f"http://{address}"
    else:
        refusal(BASE_URL=f"http://{address}")


@given(st.text(alphabet=st.sampled_from("aA0.:/@?#[]%\\- \n\tü")))
def test_any_base_url_is_refused_or_normalised(rest: str) -> None:
    result = settings_or_error({"WEBVOICE_BASE_URL": f"https://{rest}"})
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


ROOT = Path(Path.cwd().anchor)  # an absolute path on every system
FOLDERS = ["OUTPUT_DIR", "STATE_DIR", "ALLOWED_DIRS"]
PLACEHOLDERS = ["$NOT_SET", "${NOT_SET}", "%NOT_SET%", "${env:HOME}", "{{x}}", "${", "$BLANK"]


def folders_of(environ: dict[str, str]) -> set[Path]:
    """Return the folders that settings name, after setting all of them to the same text."""
    settings = Settings.read(environ)
    return {settings.output_dir, *settings.allowed_dirs, *settings.state_dirs}


def in_all(value: str, **variables: str) -> dict[str, str]:
    """Return an environment with this value in every setting that is a folder, and these other variables."""
    return dict.fromkeys((f"WEBVOICE_{name}" for name in FOLDERS), value) | variables


def test_a_folder_may_begin_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert folders_of(in_all("~/a b")) == {tmp_path / "a b"}
    assert folders_of(in_all("~")) == {tmp_path}


@pytest.mark.parametrize("text", ["$BASE", "${BASE}", "%BASE%"])
def test_variables_in_folders_are_replaced_by_their_values(tmp_path: Path, text: str) -> None:
    assert folders_of(in_all(text, BASE=str(tmp_path))) == {tmp_path}
    assert folders_of(in_all(f"{text}/%SUB%/$SUB.x", BASE=f" {tmp_path}", SUB="s")) == {tmp_path / "s/s.x"}


def test_a_value_that_replaces_a_variable_is_not_expanded_again(tmp_path: Path) -> None:
    assert folders_of(in_all(f"{tmp_path}/$A", A="$B", B="b")) == {tmp_path / "$B"}


def test_a_variable_may_name_several_allowed_folders(tmp_path: Path) -> None:
    environ = {"WEBVOICE_ALLOWED_DIRS": f"$BOTH{os.pathsep}{tmp_path}", "BOTH": f"{ROOT / 'a'}{os.pathsep}~"}
    assert Settings.read(environ).allowed_dirs == (ROOT / "a", Path.home(), tmp_path)


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("value", ["out", "./out", "../x", "'~/x'", '"/x"', "file:///x", "-", "a b", "$", "%", "%20"])
def test_a_folder_that_is_not_absolute_is_refused(name: str, value: str) -> None:
    message = refusal(**{name: value})
    assert message.startswith(f"WEBVOICE_{name}={value!r} cannot be used: it must be ")
    assert "absolute" in message
    assert "~" in message


@pytest.mark.skipif(os.name == "nt", reason="here such a path is absolute")
def test_a_path_of_another_system_is_refused() -> None:
    for value in ("C:\\x", "\\\\server\\share"):
        assert "absolute path" in refusal(OUTPUT_DIR=value)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_placeholder_inside_a_folder_is_refused(name: str) -> None:
    for placeholder in PLACEHOLDERS:
        for value in (f"{ROOT}{placeholder}", f"{placeholder}/x", f"~/{placeholder}/x"):
            environ = {f"WEBVOICE_{name}": value, "BLANK": " "}
            assert "stands for no variable that is set" in str(settings_or_error(environ))


def test_only_a_whole_placeholder_counts_as_no_folder() -> None:
    for value in ("${user_config.it}", " ${NOT_SET} ", "${env:HOME}", "${BLANK}", "${}"):
        environ = {"WEBVOICE_OUTPUT_DIR": value, "WEBVOICE_STATE_DIR": value, "BLANK": ""}
        assert Settings.read(environ) == DEFAULTS
        assert "a placeholder was left unexpanded" in refusal(ALLOWED_DIRS=value)


@given(st.sampled_from(FOLDERS), st.text(alphabet="aB_/\\~.:;$%{}'\" \té", max_size=12))
def test_any_folder_is_absolute_or_refused_in_one_line(name: str, value: str) -> None:
    result = settings_or_error({f"WEBVOICE_{name}": value, "a": str(ROOT), "B": "b", "_": "é"})
    if isinstance(result, str):
        assert result.startswith(f"WEBVOICE_{name}=")
        assert result.isprintable()
    else:
        named = (result.output_dir, *result.allowed_dirs, *result.state_dirs)
        assert all(folder.is_absolute() for folder in named)
        assert not any("{{" in str(folder) or "${" in str(folder) for folder in named)


@given(st.lists(st.text(alphabet="ab.é ", min_size=1).filter(str.strip), max_size=4))
def test_an_absolute_path_without_variables_stays_as_it_is(parts: list[str]) -> None:
    path = f"{ROOT}{'/'.join(parts)}".strip()
    assert read(OUTPUT_DIR=path).output_dir == Path(path)
    assert read(ALLOWED_DIRS=path).allowed_dirs == (Path(path),)


def test_a_list_of_folders_that_names_none_is_refused() -> None:
    """Without it, a guard of separators alone would allow every folder."""
    assert "WEBVOICE_ALLOWED_DIRS" in refusal(ALLOWED_DIRS=os.pathsep)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not read HOME")
@pytest.mark.parametrize("home", ["", ".", "relative/home"])
def test_without_a_home_folder_the_default_folders_are_unknown(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", home)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DOWNLOAD_DIR"):
        monkeypatch.delenv(name, raising=False)
    settings = read()
    assert settings.unknown_folders == ("WEBVOICE_OUTPUT_DIR", "WEBVOICE_STATE_DIR")
    described = {setting.name: setting.describe(settings) for setting in SETTINGS}
    assert described["WEBVOICE_OUTPUT_DIR"] == "none: there is no home folder"
    assert read(OUTPUT_DIR=str(ROOT), STATE_DIR=str(ROOT)).unknown_folders == ()
    for name in FOLDERS:
        assert "absolute" in refusal(**{name: "~/x"})


def test_nothing_can_be_made_where_a_folder_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_home() -> str:
        raise RuntimeError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(platformdirs, "user_downloads_dir", no_home)
    folder = read().output_dir
    with pytest.raises(OSError):  # noqa: PT011 - each system has its own
        folder.mkdir(parents=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["OUTPUT_DIR", "STATE_DIR", "ALLOWED_DIRS"])
def test_a_text_that_is_not_a_folder_is_refused(name: str) -> None:
    for value in ("a\x00b", "a\nb", "a\udcffb", "~nobody-of-this-name/x"):
        assert repr(value) in refusal(**{name: value})


@given(st.lists(st.text(alphabet="ab/. ").map(lambda text: text.strip() and f"{ROOT}{text}"), max_size=4))
def test_every_named_folder_is_allowed(parts: list[str]) -> None:
    named = [part for part in parts if part.strip()]
    value = os.pathsep.join(parts)
    if value.strip() and not named:
        assert refusal(ALLOWED_DIRS=value).endswith("absolute or beginning with ~, or be left unset.")
    else:
        folders = read(ALLOWED_DIRS=value).allowed_dirs
        assert len(folders) == len(named)
        assert all(folder.is_absolute() for folder in folders)


def test_the_default_folders_are_looked_up_only_if_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert read(OUTPUT_DIR=str(tmp_path), STATE_DIR=str(tmp_path)).output_dir == tmp_path


# Choices and numbers


@pytest.mark.parametrize("name", ["OVERWRITE", "INLINE_IMAGES", "RESOURCE_LINKS"])
def test_a_switch_is_on_or_off_in_many_spellings_and_nothing_else(name: str) -> None:
    spellings = {True: ("1", "true", "YES", "on"), False: ("0", "False", "no", "off")}
    for state, values in spellings.items():
        assert {getattr(read(**{name: value}), name.lower()) for value in values} == {state}
    assert refusal(**{name: "2"}) == f"WEBVOICE_{name}='2' cannot be used: it must be 1 or 0."


@given(st.sets(st.sampled_from(sorted(TOOLSETS)), min_size=1))
def test_the_account_toolset_is_always_included(names: set[str]) -> None:
    assert read(TOOLSETS=",".join(names)).toolsets == names | {"account"}


def test_all_means_every_toolset_and_unknown_toolsets_are_refused() -> None:
    assert read(TOOLSETS="All").toolsets == TOOLSETS
    for value in ("speech,vidio", ",", "speech chat"):
        assert refusal(TOOLSETS=value) == (
            f"WEBVOICE_TOOLSETS={value!r} cannot be used: it must be all, or a comma-separated list of"
            " account, chat, image, messaging, speech, studio, translation, video."
        )


@pytest.mark.parametrize("name", ["TIMEOUT", "INLINE_WAIT", "MAX_FILE_MB", "MAX_UPLOAD_MB", "MAX_CREDITS"])
def test_a_text_that_is_not_a_plain_number_in_range_is_refused(name: str) -> None:
    for value in ("-1", "nan", "inf", "1e3", "1_000", "ten", "600s", "5 credits", "\u0661", ".", "9" * 13):
        assert repr(value) in refusal(**{name: value})


def test_a_number_ends_at_its_documented_limits() -> None:
    highest = read(TIMEOUT="86400", INLINE_WAIT="86400", MAX_CREDITS="1000000000", MAX_FILE_MB="9" * 12)
    assert (highest.timeout, highest.inline_wait, highest.max_credits) == (86_400, 86_400, 1e9)
    lowest = read(TIMEOUT="0.001", MAX_FILE_MB="0.000001", MAX_UPLOAD_MB=".5", MAX_CREDITS="0", CONFIRM_ABOVE="0.0")
    assert (lowest.timeout, lowest.max_file_bytes, lowest.max_upload_bytes) == (0.001, 1, MIB // 2)
    assert (lowest.max_credits, lowest.confirm_above) == (0, 0)
    assert refusal(TIMEOUT="86400.5").endswith("it must be a number of seconds from 0.001 to 86400.")
    assert refusal(MAX_CREDITS="1000000000.5").endswith("credits from 0 to 1000000000, or be left unset.")
    for name in ("TIMEOUT", "MAX_FILE_MB", "MAX_UPLOAD_MB"):
        refusal(**{name: "0.0"})


@given(st.floats(min_value=0.001, max_value=86_400))
def test_a_timeout_may_have_decimals(seconds: float) -> None:
    assert read(TIMEOUT=f"{seconds:.9f}").timeout == float(f"{seconds:.9f}")


def test_a_long_value_is_cut_in_the_error() -> None:
    assert "x" * 200 in (message := refusal(TIMEOUT="x" * 1000))
    assert "x" * 201 not in message


def test_a_log_level_may_be_written_in_any_case() -> None:
    assert [read(LOG_LEVEL=level).log_level for level in ("DEBUG", "info", "Warning")] == ["DEBUG", "INFO", "WARNING"]
    assert refusal(LOG_LEVEL="loud") == (
        "WEBVOICE_LOG_LEVEL='loud' cannot be used: it must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL."
    )
