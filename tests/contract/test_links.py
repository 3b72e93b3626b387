"""Links that the service may fetch lead to public hosts, in whatever notation a host is written."""

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.contract.links import is_public_link

PRIVATE = (
    "10.0.0.1",
    "127.0.0.1",
    "192.168.1.1",
    "172.16.0.9",
    "169.254.169.254",
    "0.0.0.0",
    "100.64.0.1",
    "224.0.0.1",
)


NOT_PUBLIC_URLS = [
    5,
    "https://",
    "https://a.co@b.co/",
    "https://:p@b.co/",
    "https://b.co:x/",
    "https://[::1/",
    "https:a.co",
]
NOT_PUBLIC_URLS += ["https://\u00e9.example/", "https://a.co/ b", "ftp://a.co/", "http://a.co/", "https://a%2eco/"]
NOT_PUBLIC_URLS += ["https://a.co\\@10.0.0.1/"]
NAMES = "localhost LOCALHOST. a.localhost printer.local db.internal nas.home.arpa intranet a..b a.b.. ."
NAMES += " localhost.localdomain nas.lan router.home wiki.corp db.intranet db.private"
IPV6 = "[::1] [::] [fe80::1] [fe80::1%25eth0] [fd00::1] [ff02::1] evil.co[::1] [::1].evil.co"
IPV6 += " [fec0::1] [5f00::1] [100::1] [64:ff9b:1::808:808] [::ffff:0:8.8.8.8] [4000::1]"
IPV4 = "1.2.3.4.5 1.1.1.256 256.1.1.1 09.1.1.1 1.1.65536 0x100000000 a.0x7f 127.0.0.1:443"
PUBLIC = (
    "a.example A.Example. cdn_1.a-b.example:8443 1.example 8.8.8.8 0x08080808 [2606:4700::1111]:443 [::ffff:8.8.8.8]"
    " [2a00:1450::1] [2002:808:808::1] [64:ff9b::808:808] 127.0.0.1.nip.io mylan.example a.homes"
)


@pytest.mark.parametrize("text", NOT_PUBLIC_URLS)
def test_a_url_that_not_everybody_can_fetch_is_not_public(text: Any) -> None:
    assert not is_public_link(text)


@pytest.mark.parametrize("host", ["", *NAMES.split(), *IPV6.split(), *IPV4.split()])
def test_a_host_that_is_local_or_none_is_not_public(host: str) -> None:
    assert not is_public_link(f"https://{host}/a.png")


@pytest.mark.parametrize("host", [*PUBLIC.split(), "localhost.example"])
def test_a_public_host_is_accepted(host: str) -> None:
    assert is_public_link(f"https://{host}/a.png?x=@y")


def notations(address: ipaddress.IPv4Address) -> list[str]:
    a, b, c, d = address.packed
    number = int(address)
    mapped = f"{a:02x}{b:02x}:{c:02x}{d:02x}"
    return [
        f"{a}.{b}.{c}.{d}",
        f"{a}.{b}.{c}.{d}.",
        f"0{a:o}.0x{b:X}.{c}.0{d:o}",
        f"{a}.{b}.{c << 8 | d}",
        f"{a}.{number & 0xFFFFFF}",
        f"{number}",
        f"0x{number:x}",
        f"0{number:o}",
        f"[::ffff:{address}]",
        f"[::{mapped}]",
        f"[64:ff9b::{mapped}]",
        f"[2002:{mapped}::]",
    ]


@given(st.sampled_from(PRIVATE) | st.integers(1, 2**32 - 1).map(ipaddress.IPv4Address).map(str), st.data())
def test_an_address_is_judged_alike_in_every_notation(text: str, data: st.DataObject) -> None:
    address = ipaddress.IPv4Address(text)
    notation = data.draw(st.sampled_from(notations(address)))
    assert is_public_link(f"https://{notation}/a.png") == (address.is_global and not address.is_multicast)


@given(st.text() | st.text(st.sampled_from("0123456789abfx.:[]@\\%/l")).map("https://{}".format))
def test_any_text_can_be_checked_as_a_link(text: str) -> None:
    assert is_public_link(text) in (True, False)
