"""Resources, through MCP, with scripted replies of the service."""

import json
import re
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.server.mcpserver.exceptions import ResourceError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, TextResourceContents

from tests.support import BASE_URL, CANARY, MakeSettings, ScriptedTransport, answer, connected
from tests.tools.calls import BOTH_ERAS
from webvoice_mcp.jobs.history import History
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.server import create_server

MODELS = {"models": [{"id": "m1", "display_name": "One", "provider": "p", "credits_per_request": 0.0}]}
VOICES = {"voices": {"en": [{"id": "af_sarah", "name": "Sarah"}, {"id": "am_adam"}], "it": [{"id": "if_sara"}]}}
STATUS = {"success": True, "user": "ann", "credits": 20.0, "api_key": {"name": "mine", "usage_count": 3}}
TIME = "2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z"


async def read(client: Client, name: str) -> dict[str, Any]:
    """Return a resource's JSON without the time of its request."""
    (content,) = (await client.read_resource(f"webvoice://{name}")).contents
    assert isinstance(content, TextResourceContents)
    assert (content.uri, content.mime_type) == (f"webvoice://{name}", "application/json")
    facts: dict[str, Any] = json.loads(content.text)
    assert re.fullmatch(TIME, facts.pop("fetched_at", "2026-01-01T00:00:00Z"))
    return facts


async def refusal(client: Client, name: str) -> tuple[int, str]:
    with pytest.raises(MCPError) as caught:
        await client.read_resource(f"webvoice://{name}")
    assert CANARY not in str(caught.value.error)
    return caught.value.error.code, caught.value.error.message


async def test_resources_are_listed_and_described_without_the_network(make_settings: MakeSettings) -> None:
    service = ScriptedTransport()
    async with connected(make_settings(API_KEY=""), service) as client:
        listed = (await client.list_resources()).resources
        template, of_files = (await client.list_resource_templates()).resource_templates
    assert [(resource.uri, resource.name, resource.title, resource.mime_type) for resource in listed] == [
        ("webvoice://account", "account", "Account", "application/json"),
        ("webvoice://outputs", "outputs", "Recent files", "application/json"),
        ("webvoice://models", "models", "Chat models", "application/json"),
        ("webvoice://voices", "voices", "Voices", "application/json"),
    ]
    assert (template.uri_template, template.title) == ("webvoice://voices/{language}", "Voices of a language")
    assert template.mime_type == "application/json"
    assert (of_files.uri_template, of_files.title) == ("webvoice://files/{job}/{number}", "File of a job")
    for description in [*(resource.description for resource in listed), template.description, of_files.description]:
        assert re.fullmatch(r"[A-Z].{30,118}\.", description or "")
    assert service.requests == []


async def test_a_resource_that_is_too_large_keeps_its_beginning(make_settings: MakeSettings) -> None:
    user = "ann " * 500_000
    async with connected(make_settings(), ScriptedTransport(answer(STATUS | {"user": user}))) as client:
        account = await read(client, "account")
    assert len(json.dumps(account)) < 1_000_000
    assert (user.startswith(account["user"]), account["credits"], len(account["links"])) == (True, 20.0, 6)
    assert "left out" in account["note"]


@pytest.mark.parametrize(
    ("families", "names", "absent", "templates"),
    [
        ("chat", ["account", "outputs", "models"], "voices", 1),
        ("speech,image", ["account", "outputs", "voices"], "models", 2),
    ],
)
async def test_resources_of_other_families_are_not_offered(
    make_settings: MakeSettings, families: str, names: list[str], absent: str, templates: int
) -> None:
    async with connected(make_settings(TOOLSETS=families), ScriptedTransport()) as client:
        assert [resource.name for resource in (await client.list_resources()).resources] == names
        assert len((await client.list_resource_templates()).resource_templates) == templates
        assert await refusal(client, absent) == (INVALID_PARAMS, f"Unknown resource: webvoice://{absent}")


@BOTH_ERAS
async def test_models_and_voices_are_those_of_the_tools(make_settings: MakeSettings, mode: str) -> None:
    service = ScriptedTransport(answer(MODELS), answer(VOICES), answer(VOICES))
    async with connected(make_settings(), service, mode) as client:
        assert await read(client, "models") == {"models": [{**MODELS["models"][0], "free": True}], "count": 1}
        assert await read(client, "voices") == {
            "voices": {
                "en": [{"id": "af_sarah", "name": "Sarah"}, {"id": "am_adam", "name": "am_adam"}],
                "it": [{"id": "if_sara", "name": "if_sara"}],
            },
            "count": 3,
        }
        assert await read(client, "voices/IT") == {
            "language": "it",
            "voices": [{"id": "if_sara", "name": "if_sara"}],
            "count": 1,
        }
    assert service.asked == [("GET", "chat/models/"), ("GET", "voices/"), ("GET", "voices/")]


@BOTH_ERAS
async def test_a_language_without_voices_is_not_found(make_settings: MakeSettings, mode: str) -> None:
    for voices, known in ((VOICES["voices"], "en, it"), ({}, "none")):
        async with connected(make_settings(), ScriptedTransport(answer({"voices": voices})), mode) as client:
            assert await refusal(client, "voices/tlh") == (
                INVALID_PARAMS,
                f"invalid_argument: No voice speaks 'tlh'. Languages with voices: {known}.",
            )


async def test_the_account_comes_with_its_pages(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), ScriptedTransport(answer(STATUS))) as client:
        account = await read(client, "account")
    assert account.pop("links")["buy_credits_paypal"] == "http://127.0.0.1:9/billing/purchase/"
    assert account == {
        "user": "ann",
        "credits": 20.0,
        "api_key": {"name": "mine", "usage_count": 3},
        "key_source": "environment",
    }


async def test_outputs_are_the_files_of_the_history(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings(API_KEY="")
    there, gone, odd = tmp_path / "a b.mp3", tmp_path / "gone.png", tmp_path / "odd.xyz"
    there.write_bytes(b"12345")
    odd.write_bytes(b"")
    history = History(settings.history_file, BASE_URL)
    jobs = [("webvoice_tts", [there]), ("webvoice_chat", []), ("x", [gone, odd, Path("not absolute")])]
    for number, (tool, paths) in enumerate(jobs):
        await history.record_start(str(number), tool, 1_800_000_000 + number, None)
        await history.record_end(str(number), "done", 1.0, tuple(map(str, paths)), "")
    await history.aclose()
    service = ScriptedTransport()
    async with connected(settings, service) as client:
        outputs = await read(client, "outputs")
    newer, older = "2027-01-15T08:00:02Z", "2027-01-15T08:00:00Z"
    assert outputs == {
        "files": [
            {"path": str(gone), "uri": gone.as_uri(), "mime_type": "image/png"}
            | {"note": "no longer there", "tool": "x", "time": newer},
            {"path": str(odd), "uri": odd.as_uri(), "mime_type": "application/octet-stream"}
            | {"size_bytes": 0, "tool": "x", "time": newer},
            {"path": str(there), "uri": there.as_uri(), "mime_type": "audio/mpeg", "size_bytes": 5}
            | {"tool": "webvoice_tts", "time": older},
        ],
        "count": 3,
    }
    assert service.requests == []


async def test_outputs_are_the_last_50_files(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings()
    history = History(settings.history_file, BASE_URL)
    paths = tuple(str(tmp_path / f"{number}.mp3") for number in range(51))
    await history.record_start("1", "webvoice_tts", 1_800_000_000, None)
    await history.record_end("1", "done", 1.0, paths, "")
    await history.aclose()
    async with connected(settings, ScriptedTransport()) as client:
        outputs = await read(client, "outputs")
    assert ([file["path"] for file in outputs["files"]], outputs["count"]) == (list(paths[:50]), 50)


async def test_outputs_say_why_the_history_cannot_be_read(make_settings: MakeSettings) -> None:
    settings = make_settings()
    settings.history_file.mkdir(parents=True)
    async with connected(settings, ScriptedTransport()) as client:
        code, message = await refusal(client, "outputs")
    assert code == INTERNAL_ERROR
    assert message.startswith(f"disk_error: The history {settings.history_file} cannot be used: ")


@pytest.mark.parametrize(
    ("reply", "code"),
    [(answer({"error": "x"}, 500), "server_error"), (httpx2.Response(200, text="<html>"), "invalid_response")],
)
async def test_a_failing_service_is_replaced_by_its_last_answer(
    make_settings: MakeSettings, reply: httpx2.Response, code: str
) -> None:
    async with connected(make_settings(), ScriptedTransport(answer(MODELS), reply)) as client:
        before = await read(client, "models")
        after = await read(client, "models")
    note = after.pop("note")
    assert re.fullmatch(rf"The service did not answer just now \({code}\); this is what it said at {TIME}\.", note)
    assert after == before


async def test_a_silent_service_is_replaced_by_its_last_answer(make_settings: MakeSettings) -> None:
    async def stay_silent(_: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    async with connected(make_settings(TIMEOUT=0.2), ScriptedTransport(answer(VOICES), stay_silent)) as client:
        await read(client, "voices")
        italian = await read(client, "voices/it")
    assert italian["voices"] == [{"id": "if_sara", "name": "if_sara"}]
    assert "(timeout)" in italian["note"]


@BOTH_ERAS
async def test_a_failure_without_an_earlier_answer_is_an_error(make_settings: MakeSettings, mode: str) -> None:
    service = ScriptedTransport(answer({"error": "Oops", "message": "Down"}, 500))
    async with connected(make_settings(), service, mode) as client:
        code, message = await refusal(client, "models")
    assert code == INTERNAL_ERROR
    assert message.startswith("server_error: ")


async def test_a_refused_key_shows_nothing_of_the_account(make_settings: MakeSettings) -> None:
    service = ScriptedTransport(answer(STATUS), answer({"error": f"Bad key {CANARY}"}, 401))
    async with connected(make_settings(), service) as client:
        await read(client, "account")
        code, message = await refusal(client, "account")
    assert code == INTERNAL_ERROR
    assert message.startswith("unauthorized: ")


async def test_without_a_key_a_resource_says_how_to_get_one(make_settings: MakeSettings) -> None:
    service = ScriptedTransport()
    async with connected(make_settings(API_KEY=""), service) as client:
        for name in ("account", "models", "voices", "voices/en"):
            code, message = await refusal(client, name)
            assert code == INTERNAL_ERROR
            assert message.startswith("not_authenticated: No API key is known")
    assert service.requests == []


async def test_a_new_key_works_at_once_and_hides_the_other_account(make_settings: MakeSettings) -> None:
    settings = make_settings(API_KEY="")
    store = KeyStore(settings.credentials_file)
    service = ScriptedTransport(answer(STATUS), answer({"error": "x"}, 500))
    async with connected(settings, service) as client:
        store.save(BASE_URL, name="ann", key="wv_ann_0000000000000000", use=True)
        assert (await read(client, "account"))["user"] == "ann"
        store.save(BASE_URL, name="bob", key="wv_bob_0000000000000000", use=True)
        code, message = await refusal(client, "account")
    assert (code, message.partition(":")[0]) == (INTERNAL_ERROR, "server_error")


async def test_servers_in_one_process_do_not_mix(make_settings: MakeSettings) -> None:
    ann, bob = ScriptedTransport(answer(STATUS)), ScriptedTransport(answer({**STATUS, "user": "bob"}))
    async with (
        connected(make_settings(), ann) as first,
        connected(make_settings(API_KEY="wv_bob_0000000000000000"), bob) as second,
    ):
        assert (await read(second, "account"))["user"] == "bob"
        assert (await read(first, "account"))["user"] == "ann"
    assert (len(ann.requests), len(bob.requests)) == (1, 1)


@BOTH_ERAS
async def test_clients_of_one_server_come_and_go(make_settings: MakeSettings, mode: str) -> None:
    server = create_server(make_settings(), transport=ScriptedTransport(answer(MODELS)))
    async with Client(server, mode=mode) as first:
        async with Client(server, mode=mode):
            pass
        assert (await read(first, "models"))["count"] == 1
    with pytest.raises(ResourceError, match="Error reading resource webvoice://models"):
        await server.read_resource("webvoice://models")
