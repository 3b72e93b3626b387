async def test_a_proxy_that_cannot_be_used_is_said(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    settings = make_settings(BASE_URL="https://example.com/api/v1")
    client = Client(settings, Keys(settings, KeyStore(settings.credentials_file)))
    error = await failure(status(client), NetworkError)
    assert "proxy" in str(error)


async def test_a_proxy_is_not_used_towards_loopback(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    settings = make_settings()
    slept = Slept()
    client = Client(settings, Keys(settings, KeyStore(settings.credentials_file)), sleep=slept)
    assert "Cannot connect to http://127.0.0.1:9/api/v1" in str(await failure(status(client), NetworkError))
    await client.aclose()
