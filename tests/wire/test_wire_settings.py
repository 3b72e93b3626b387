"""Settings, as a client's configuration gives them to the process."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support import CANARY
from tests.wire.world import Play, failure, fields
from tests.wire_driver import PATIENCE, SERVER, environment, serving

SECRET = "wv_secret_1234567890abcdef"

WRONG = [
    ("API_KEY", f"{SECRET} and more", "printable ASCII"),
    ("BASE_URL", "http://example.com/api/v1", "http is accepted for loopback hosts only"),
    ("BASE_URL", f"https://user:{SECRET}@example.com/api/v1", "not accepted"),
    ("BASE_URL", f"https://example.com/api/v1?api_key={SECRET}", "not accepted"),
    ("OUTPUT_DIR", "~nobody-of-this-name/x", "folder"),
    ("ALLOWED_DIRS", "${workspaceFolder}", "folders"),
    ("ALLOWED_DIRS", os.pathsep * 2, "folders"),
    ("OVERWRITE", "perhaps", "1 or 0"),
    ("STATE_DIR", "a\nb", "folder"),
    ("TOOLSETS", "speech,telepathy", "account, chat"),
    ("TIMEOUT", "0", "seconds"),
    ("TIMEOUT", SECRET, "seconds"),
    ("INLINE_IMAGES", "2", "1 or 0"),
    ("MAX_FILE_MB", "0", "megabytes"),
    ("MAX_UPLOAD_MB", "nan", "megabytes"),
    ("LOG_LEVEL", SECRET, "DEBUG, INFO, WARNING"),
]


@pytest.mark.parametrize(("name", "value", "accepted"), WRONG)
def test_a_wrong_setting_ends_the_start_with_one_line_that_says_why(
    tmp_path: Path, name: str, value: str, accepted: str
) -> None:
    environ = environment(tmp_path, {name: value})
    done = subprocess.run(SERVER, input=b"", capture_output=True, env=environ, timeout=PATIENCE, check=False)
    said = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert len(said.splitlines()) == 1
    assert said.startswith(f"webvoice-mcp: WEBVOICE_{name}")
    assert accepted in said
    assert "secret" not in said


def test_placeholders_and_blanks_count_as_unset(tmp_path: Path) -> None:
    unset = ["${input:key}", "", "  ", "${env:NOTHING}"]
    names = sorted({name for name, *_ in WRONG} - {"ALLOWED_DIRS", "STATE_DIR", "OUTPUT_DIR"})
    variables = {name: unset[place % len(unset)] for place, name in enumerate(names)}
    with serving(environment(tmp_path, variables | {"ALLOWED_DIRS": "  "})) as wire:
        assert len(wire.result("tools/list")["tools"]) >= 14
        assert failure(wire.call("webvoice_status"))[0] == "not_authenticated"
        assert fields(wire.call("webvoice_account_links"))["login"].startswith("https://webvoice.easytaskflow.app/")
        assert wire.stderr == ""


def test_the_loudest_log_leaks_no_key(tmp_path: Path, play: Play) -> None:
    key = play.register("loud@example.com")
    for used in (CANARY, key):
        environ = environment(tmp_path, {"BASE_URL": play.base_url, "API_KEY": used, "LOG_LEVEL": "DEBUG"})
        with serving(environ) as wire:
            wire.call("webvoice_status")
            wire.call("webvoice_onboarding")
            wire.call("webvoice_chat", {"prompt": f"My key is {used}"})
            wire.call("webvoice_chat", {"prompt": "Hello", "stream": True})
            wire.call("webvoice_translate", {"text": "Hello", "target_language": used})
            wire.call("webvoice_nothing", {"key": used})
            ended = wire.eof()
        assert "DEBUG" in ended.stderr
        assert used not in ended.stderr
        # The second line answers a prompt that held the key; the service's echo of it is masked.
        assert not [line for line in wire.lines if used.encode() in line]


def test_a_new_key_works_at_once_and_is_shown_to_nobody(tmp_path: Path, play: Play) -> None:
    email = "new@example.com"
    with serving(environment(tmp_path, {"BASE_URL": play.base_url, "LOG_LEVEL": "DEBUG"})) as wire:
        assert failure(wire.call("webvoice_status"))[0] == "not_authenticated"
        consent = {"email": email, "accept_privacy": True, "accept_terms": True}
        assert fields(wire.call("webvoice_register_send_code", consent))["is_new_user"] is True
        verified = fields(wire.call("webvoice_register_verify", {"email": email, "code": play.code(email)}))
        status = fields(wire.call("webvoice_status"))
        ended = wire.eof()
    kept = Path(verified["api_key_saved_to"]).read_text()
    assert (status["key_source"], status["credits"]) == ("saved", 20.0)
    assert "wv_sandbox_" in kept
    assert "wv_sandbox_" not in ended.stderr + b"".join(wire.lines).decode()
