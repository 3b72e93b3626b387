import pytest

from tests.sandbox.world import ANN, SITE, SandboxClient, refused

OTHER_ORIGIN = "The sandbox does not accept requests from pages of other origins. Send them from a program."


@pytest.mark.parametrize("host", ["LOCALHOST", "[::1]:8787"])
async def test_requests_to_loopback_names_are_answered(ann: SandboxClient, host: str) -> None:
    assert (await ann.get("status/", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["", "127.0.0.1.evil.example:8787", "127.0.0.1@evil.example", "[::1"])
async def test_another_host_name_is_refused_for_every_path(ann: SandboxClient, host: str) -> None:
    for path in ("status/", f"{SITE}/sandbox/inbox/", f"{SITE}/nowhere"):
        reply = await ann.get(path, headers={"Host": host})
        message = "The sandbox does not accept this host name. Use 127.0.0.1, localhost or [::1]."
        assert refused(reply) == (403, "Forbidden", message)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://127.0.0.1.evil.example",
        "http://localhost:3000",
        "http://127.0.0.1",
        "https://127.0.0.1:8787",
        "",
    ],
)
async def test_a_web_page_from_elsewhere_is_refused(ann: SandboxClient, origin: str) -> None:
    reply = await ann.post(f"{SITE}/sandbox/credits/", {"email": ANN, "credits": 5}, headers={"Origin": origin})
    assert refused(reply) == (403, "Forbidden", OTHER_ORIGIN)
    assert await ann.credits() == 20.0


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "odd"])
async def test_a_fetch_that_the_browser_marks_as_foreign_is_refused(ann: SandboxClient, site: str) -> None:
    for path in ("status/", f"{SITE}/sandbox/inbox/"):
        reply = await ann.get(path, headers={"Sec-Fetch-Site": site})
        assert refused(reply) == (403, "Forbidden", OTHER_ORIGIN)


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_the_sandboxs_own_origin_is_answered_without_cors_headers(ann: SandboxClient, site: str) -> None:
    headers = {"Host": "localhost:8787", "Origin": "http://LOCALHOST:8787", "Sec-Fetch-Site": site}
    reply = await ann.get("status/", headers=headers)
    assert reply.status_code == 200
    assert not [name for name in reply.headers if name.startswith("access-control-")]


async def test_the_key_may_be_a_bearer_token(client: SandboxClient) -> None:
    key = await client.register()
    del client.http.headers["X-API-Key"]
    assert (await client.get("status/", headers={"Authorization": f"bearer {key}"})).status_code == 200


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Authorization": "Basic abc"}, "An API key is missing. Send it as X-API-Key or as Authorization: Bearer."),
        (
            {"X-API-Key": "wv_0123456789"},
            "This is not a sandbox key. Send one that begins with wv_sandbox_, not a key of the service.",
        ),
        ({"X-API-Key": "wv_sandbox_0123456789"}, "The API key is not valid. Get one with auth/send-code/."),
    ],
)
async def test_a_request_without_a_valid_key_is_refused(
    client: SandboxClient, headers: dict[str, str], message: str
) -> None:
    reply = await client.get("onboarding/", headers=headers)
    assert refused(reply) == (401, "Unauthorized", message)
    assert reply.headers["WWW-Authenticate"] == "Bearer"


async def test_a_key_in_the_query_is_refused(ann: SandboxClient) -> None:
    reply = await ann.get("status/", params={"api_key": ann.http.headers["X-API-Key"]})
    assert refused(reply) == (
        401,
        "Unauthorized",
        "API keys in query strings end up in logs. Send the key in the X-API-Key header.",
    )
