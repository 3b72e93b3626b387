import pytest

from tests.sandbox.world import ANN, SITE, World, refused


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1", "localhost:8787", "LOCALHOST", "[::1]", "[::1]:8787"])
async def test_loopbacks_own_names_are_answered(ann: World, host: str) -> None:
    assert (await ann.get("status/", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host", ["", "evil.example", "127.0.0.1.evil.example:8787", "127.0.0.1@evil.example", "[::1", "0.0.0.0"]
)
@pytest.mark.parametrize("path", ["status/", f"{SITE}/sandbox/inbox/", f"{SITE}/nowhere"])
async def test_another_host_name_is_refused_everywhere(ann: World, host: str, path: str) -> None:
    reply = await ann.get(path, headers={"Host": host})
    assert refused(reply) == (403, "Forbidden", "The sandbox answers under 127.0.0.1, localhost and [::1] only.")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
async def test_a_web_page_from_elsewhere_is_refused(ann: World, origin: str) -> None:
    reply = await ann.post(f"{SITE}/sandbox/credits/", {"email": ANN, "credits": 5}, headers={"Origin": origin})
    assert refused(reply) == (403, "Forbidden", "The sandbox does not answer web pages from elsewhere.")
    assert await ann.credits() == 20.0


async def test_a_page_of_this_machine_is_answered_without_cors_headers(ann: World) -> None:
    reply = await ann.get("status/", headers={"Origin": "http://localhost:3000"})
    assert reply.status_code == 200
    assert not [name for name in reply.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_the_key_is_also_taken_as_bearer(world: World, scheme: str) -> None:
    key = await world.register()
    del world.client.headers["X-API-Key"]
    assert (await world.get("status/", headers={"Authorization": f"{scheme} {key}"})).status_code == 200


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "An API key is missing: send it as X-API-Key or as Authorization: Bearer."),
        ({"Authorization": "Basic abc"}, "An API key is missing: send it as X-API-Key or as Authorization: Bearer."),
        (
            {"X-API-Key": "wv_0123456789"},
            "That is not a key of the sandbox: those begin with wv_sandbox_. Keep the service's out of it.",
        ),
        ({"X-API-Key": "wv_sandbox_0123456789"}, "The API key is not valid."),
    ],
)
async def test_without_a_valid_key_nothing_is_told(world: World, headers: dict[str, str], message: str) -> None:
    reply = await world.get("onboarding/", headers=headers)
    assert refused(reply) == (401, "Unauthorized", message)
    assert reply.headers["WWW-Authenticate"] == "Bearer"


async def test_a_key_in_the_query_is_refused_even_beside_a_valid_one(ann: World) -> None:
    reply = await ann.get("status/", params={"api_key": ann.client.headers["X-API-Key"]})
    assert refused(reply) == (
        401,
        "Unauthorized",
        "API keys in query strings are not accepted: they end up in logs. Use the X-API-Key header.",
    )
