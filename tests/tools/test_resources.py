"""Resources, through MCP, against scripted answers."""

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

from tests.support import BASE_URL, CANARY, MakeSettings, ScriptedTransport, connected
from webvoice_mcp.jobs.history import History
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.server import create_server as build

MODELS = {"models": [{"id": "m1", "display_name": "One", "provider": "p", "credits_per_request": 0.0}]}
VOICES = {"voices": {"en": [{"id": "af_sarah", "name": "Sarah"}, {"id": "am_adam"}], "it": [{"id": "if_sara"}]}}
STATUS = {"success": True, "user": "ann", "credits": 20.0, "api_key": {"name": "mine", "usage_count": 3}}
LATER = "2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z"


@pytest.fixture(params=["legacy", "auto"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def said(body: Any, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, json=body)


async def read(client: Client, name: str) -> dict[str, Any]:
    """A resource's JSON without its time."""
    (content,) = (await client.read_resource(f"webvoice://{name}")).contents
    assert isinstance(content, TextResourceContents)
    assert (content.uri, content.mime_type) == (f"webvoice://{name}", "application/json")
    facts: dict[str, Any] = json.loads(content.text)
    assert re.fullmatch(LATER, facts.pop("fetched_at", "2026-01-01T00:00:00Z"))
    return facts


async def refusal(client: Client, name: str) -> tuple[int, str]:
    with pytest.raises(MCPError) as caught:
        await client.read_resource(f"webvoice://{name}")
    assert CANARY not in str(caught.value.error)
    return caught.value.error.code, caught.value.error.message


async def test_resources_are_listed_with_all_that_a_person_needs_and_without_the_network(
    make_settings: MakeSettings, mode: str
) -> None:
    sent = ScriptedTransport()
    async with connected(make_settings(API_KEY=""), sent, mode) as client:
        listed = (await client.list_resources()).resources
        (template,) = (await client.list_resource_templates()).resource_templates
    assert [(each.uri, each.name, each.title, each.mime_type) for each in listed] == [
        ("webvoice://account", "account", "Account", "application/json"),
        ("webvoice://outputs", "outputs", "Recent files", "application/json"),
        ("webvoice://models", "models", "Chat models", "application/json"),
        ("webvoice://voices", "voices", "Voices", "application/json"),
    ]
    assert (template.uri_template, template.title) == ("webvoice://voices/{language}", "Voices of a language")
    assert template.mime_type == "application/json"
    descriptions = [*(each.description or "" for each in listed), template.description or ""]
    assert [each for each in descriptions if not re.fullmatch(r"[A-Z].{30,118}\.", each)] == []
    assert sent.requests == []


@pytest.mark.parametrize(
    ("families", "names", "templates"),
    [
        ("translation", ["account", "outputs"], 0),
        ("chat", ["account", "outputs", "models"], 0),
        ("speech,image", ["account", "outputs", "voices"], 1),
    ],
)
async def test_resources_of_families_that_are_not_offered_are_not_there(
    make_settings: MakeSettings, mode: str, families: str, names: list[str], templates: int
) -> None:
    async with connected(make_settings(TOOLSETS=families), ScriptedTransport(), mode) as client:
        listed = (await client.list_resources()).resources
        assert [each.name for each in listed] == names
        assert len((await client.list_resource_templates()).resource_templates) == templates
        absent = next(name for name in ("models", "voices") if name not in names)
        assert await refusal(client, absent) == (INVALID_PARAMS, f"Unknown resource: webvoice://{absent}")


async def test_models_and_voices_are_what_their_tools_list(make_settings: MakeSettings, mode: str) -> None:
    sent = ScriptedTransport(said(MODELS), said(VOICES), said(VOICES))
    async with connected(make_settings(), sent, mode) as client:
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
    assert sent.asked == [("GET", "chat/models/"), ("GET", "voices/"), ("GET", "voices/")]


@pytest.mark.parametrize(("voices", "known"), [(VOICES["voices"], "en, it"), ({}, "none")])
async def test_a_language_without_voices_is_not_found(
    make_settings: MakeSettings, mode: str, voices: Any, known: str
) -> None:
    async with connected(make_settings(), ScriptedTransport(said({"voices": voices})), mode) as client:
        assert await refusal(client, "voices/tlh") == (
            INVALID_PARAMS,
            f"invalid_argument: No voice speaks 'tlh'. Languages with voices: {known}.",
        )


async def test_the_account_is_told_with_its_pages(make_settings: MakeSettings, mode: str) -> None:
    async with connected(make_settings(), ScriptedTransport(said(STATUS)), mode) as client:
        account = await read(client, "account")
    assert account.pop("links")["buy_credits_paypal"] == "http://127.0.0.1:9/billing/purchase/"
    assert account == {
        "user": "ann",
        "credits": 20.0,
        "api_key": {"name": "mine", "usage_count": 3},
        "key_source": "environment",
    }


async def test_outputs_are_the_files_of_the_history_without_the_network(
    make_settings: MakeSettings, tmp_path: Path, mode: str
) -> None:
    settings = make_settings(API_KEY="")
    there, gone, odd = tmp_path / "a b.mp3", tmp_path / "gone.png", tmp_path / "odd.xyz"
    there.write_bytes(b"12345")
    odd.write_bytes(b"")
    history = History(settings.history_file, BASE_URL)
    made = [("webvoice_tts", [there]), ("webvoice_chat", []), ("x", [gone, odd, Path("of nobody")])]
    for number, (tool, files) in enumerate(made):
        await history.begin(str(number), tool, 1_800_000_000 + number, None)
        await history.end(str(number), "done", 1.0, tuple(map(str, files)), "")
    await history.aclose()
    sent = ScriptedTransport()
    async with connected(settings, sent, mode) as client:
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
    assert sent.requests == []


async def test_outputs_say_why_the_history_cannot_be_read(make_settings: MakeSettings, mode: str) -> None:
    settings = make_settings()
    settings.history_file.mkdir(parents=True)
    async with connected(settings, ScriptedTransport(), mode) as client:
        code, message = await refusal(client, "outputs")
    assert code == INTERNAL_ERROR
    assert message.startswith(f"disk_error: The history {settings.history_file} cannot be used: ")


@pytest.mark.parametrize(
    ("answer", "code"),
    [(said({"error": "x"}, 500), "server_error"), (httpx2.Response(200, text="<html>"), "invalid_response")],
)
async def test_a_service_that_fails_is_stood_in_for_by_what_it_said_before(
    make_settings: MakeSettings, mode: str, answer: httpx2.Response, code: str
) -> None:
    async with connected(make_settings(), ScriptedTransport(said(MODELS), answer), mode) as client:
        before = await read(client, "models")
        after = await read(client, "models")
    note = after.pop("note")
    assert re.fullmatch(rf"The service gave no answer just now \({code}\); this is what it said at {LATER}\.", note)
    assert after == before


async def test_a_service_that_does_not_answer_is_stood_in_for_too(make_settings: MakeSettings, mode: str) -> None:
    async def silence(_: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    async with connected(make_settings(TIMEOUT=0.2), ScriptedTransport(said(VOICES), silence), mode) as client:
        await read(client, "voices")
        italian = await read(client, "voices/it")
    assert italian["voices"] == [{"id": "if_sara", "name": "if_sara"}]
    assert "(timeout)" in italian["note"]


async def test_with_nothing_fetched_before_a_failure_is_a_sentence_with_our_code(
    make_settings: MakeSettings, mode: str
) -> None:
    async with connected(
        make_settings(), ScriptedTransport(said({"error": "Oops", "message": "Down"}, 500)), mode
    ) as client:
        code, message = await refusal(client, "models")
    assert code == INTERNAL_ERROR
    assert message.startswith("server_error: ")


async def test_a_key_that_is_no_longer_accepted_shows_nothing_of_the_account(
    make_settings: MakeSettings, mode: str
) -> None:
    sent = ScriptedTransport(said(STATUS), said({"error": f"Bad key {CANARY}"}, 401))
    async with connected(make_settings(), sent, mode) as client:
        await read(client, "account")
        code, message = await refusal(client, "account")
    assert code == INTERNAL_ERROR
    assert message.startswith("unauthorized: ")


@pytest.mark.parametrize("name", ["account", "models", "voices", "voices/en"])
async def test_without_a_key_a_resource_says_how_to_get_one(make_settings: MakeSettings, mode: str, name: str) -> None:
    sent = ScriptedTransport()
    async with connected(make_settings(API_KEY=""), sent, mode) as client:
        code, message = await refusal(client, name)
    assert code == INTERNAL_ERROR
    assert message.startswith("not_authenticated: No API key is known")
    assert sent.requests == []


async def test_a_key_saved_meanwhile_works_at_once_and_another_ones_account_is_not_shown(
    make_settings: MakeSettings, mode: str
) -> None:
    settings = make_settings(API_KEY="")
    store = KeyStore(settings.credentials_file)
    sent = ScriptedTransport(said(STATUS), said({"error": "x"}, 500))
    async with connected(settings, sent, mode) as client:
        store.save(BASE_URL, name="ann", key="wv_ann_0000000000000000", use=True)
        assert (await read(client, "account"))["user"] == "ann"
        store.save(BASE_URL, name="bob", key="wv_bob_0000000000000000", use=True)
        code, message = await refusal(client, "account")
    assert (code, message.partition(":")[0]) == (INTERNAL_ERROR, "server_error")


async def test_servers_in_one_process_do_not_mix(make_settings: MakeSettings, mode: str) -> None:
    ann, bob = ScriptedTransport(said(STATUS)), ScriptedTransport(said({**STATUS, "user": "bob"}))
    async with (
        connected(make_settings(), ann, mode) as first,
        connected(make_settings(API_KEY="wv_bob_0000000000000000"), bob, mode) as second,
    ):
        assert (await read(second, "account"))["user"] == "bob"
        assert (await read(first, "account"))["user"] == "ann"
    assert (len(ann.requests), len(bob.requests)) == (1, 1)


async def test_clients_of_one_server_come_and_go_without_taking_the_parts_away(
    make_settings: MakeSettings, mode: str
) -> None:
    server = build(make_settings(), transport=ScriptedTransport(said(MODELS)))
    async with Client(server, mode=mode) as first:
        async with Client(server, mode=mode):
            pass
        assert (await read(first, "models"))["count"] == 1
    with pytest.raises(ResourceError, match="Error reading resource webvoice://models"):
        await server.read_resource("webvoice://models")
