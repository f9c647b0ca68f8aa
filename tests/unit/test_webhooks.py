"""What webhooks are made of: addresses that may be sent to, signatures, and patterns of verbs."""

from __future__ import annotations

import time

import pytest

import pinakes
from pinakes.server.errors import Invalid
from pinakes.server.events.webhook_addresses import check_url, is_public, permitted
from pinakes.server.events.webhook_sending import BACKOFF, SIGNATURE, headers, signature
from pinakes.server.events.webhook_types import Due
from pinakes.server.events.webhooks import DEFAULT_VERBS, check_verbs, wants

KEY = "pinakes_webhook_for_tests"


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "93.184.216.34",
        "172.32.0.1",
        "2606:4700:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ],
)
def test_what_is_on_the_internet(address: str):
    assert is_public(address)
    assert permitted([address, "127.0.0.1"], private=False) == [address]


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",  # the metadata of a cloud
        "127.0.0.1",
        "127.8.9.10",
        "168.63.129.16",  # another's
        "169.254.169.254",  # and most of theirs
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",  # and another's
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:0.0.0.0",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::8.8.8.8",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:53aa:64c:0:f227:f5ff:fffe",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "nonsense",
        "",
    ],
)
def test_what_is_not(address: str):
    assert not is_public(address)
    assert permitted([address], private=False) == []
    assert permitted([address], private=True) == [address]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "https://hooks.example.org:8443/a/b?c=d&e=%20",
        "HTTPS://EXAMPLE.ORG/",
        "http://bücher.example/",
        "http://8.8.8.8:1/",
        "http://[2606:4700:4700::1111]:65535/x",
        "https://example.org/@name",
        "https://example.org/?to=a@example.org",
    ],
)
def test_a_url_to_send_to(url: str):
    assert check_url(url, private=False) == url


@pytest.mark.parametrize(
    ("url", "because"),
    [
        ("ftp://example.org/", "http://"),
        ("file:///etc/passwd", "http://"),
        ("gopher://127.0.0.1:25/", "http://"),
        ("//example.org/", "http://"),
        ("http:///path", "http://"),
        ("", "http://"),
        ("http://user@example.org/", "user"),
        ("http://user:pass@example.org/", "user"),
        ("http://@example.org/", "user"),
        ("http://example.org\\@127.0.0.1/", "no address"),
        ("http://example.org\\@8.8.8.8/", "user"),
        ("http://example.org/#x", "fragment"),
        ("http://example.org:0/", "port"),
        ("http://example.org:65536/", "port"),
        ("http://example .org/", "blanks"),
        ("http://example.org/\n", "blanks"),
        ("http://example.org/\0", "blanks"),
        ("http://example.org/" + "a" * 2000, "2000"),
        ("http://[::1", "no URL"),
        ("http://\u2024/", "no URL"),
        ("http://127.0.0.1/", "no address"),
        ("http://127.1/", "no address"),
        ("http://0x7f000001/", "no address"),
        ("http://017700000001/", "no address"),
        ("http://2130706433/", "no address"),
        ("http://localhost/", "no address"),
        ("http://LOCALHOST./", "no address"),
        ("http://db.localhost/", "no address"),
        ("http://[::1]/", "no address"),
        ("http://[::ffff:127.0.0.1]/", "no address"),
        ("http://[fe80::1%25eth0]/", "no address"),
        ("http://169.254.169.254/latest", "no address"),
        ("http://printer.local/", "no address"),
        ("http://metadata.google.internal/", "no address"),
    ],
)
def test_a_url_that_is_none(url: str, because: str):
    with pytest.raises(Invalid, match=because) as caught:
        check_url(url, private=False)
    assert caught.value.field == "url"


def test_private_addresses_can_be_allowed():
    for url in ("http://127.0.0.1:8080/", "http://localhost/", "http://[::1]/", "http://10.0.0.1/"):
        assert check_url(url, private=True) == url
    with pytest.raises(Invalid):
        check_url("http://a:b@127.0.0.1/", private=True)


def test_the_signature_is_what_the_guide_says():
    """Made with openssl: `printf '1700000000.{"id":null}' | openssl dgst -sha256 -hmac pinakes_webhook_for_tests`."""
    assert signature(KEY.encode(), b'{"id":null}', 1_700_000_000) == (
        "t=1700000000,v1=b0a8aaa33db7543a4c77ddebb0849ba8df790d33e5496da3a41b177165d6c176"
    )


def test_a_receiver_checks_it_with_the_sdk():
    body = '{"id":null,"reason":"h\u00e9"}'
    sent = headers(KEY.encode(), Due(7, "alias.set", body, 0))
    pinakes.verify_webhook(KEY, sent, body.encode())
    pinakes.verify_webhook(KEY, {name.lower(): value for name, value in sent.items()}, body.encode())
    for wrong in (
        lambda: pinakes.verify_webhook("another key", sent, body.encode()),
        lambda: pinakes.verify_webhook(KEY, sent, body.encode() + b" "),
        lambda: pinakes.verify_webhook(KEY, {}, body.encode()),
        lambda: pinakes.verify_webhook(KEY, {SIGNATURE: "nonsense"}, body.encode()),
        lambda: pinakes.verify_webhook(KEY, {SIGNATURE: "t=\ud800,v1=\ud800"}, body.encode()),
        lambda: pinakes.verify_webhook(KEY, sent | {SIGNATURE: sent[SIGNATURE].replace("t=1", "t=2")}, body.encode()),
    ):
        with pytest.raises(pinakes.Unauthenticated) as caught:
            wrong()
        assert caught.value.code == "invalid_signature"
    old = {SIGNATURE: signature(KEY.encode(), body.encode(), int(time.time()) - 301)}
    with pytest.raises(pinakes.Unauthenticated) as caught:
        pinakes.verify_webhook(KEY, old, body.encode())
    assert caught.value.code == "signature_expired"
    pinakes.verify_webhook(KEY, old, body.encode(), tolerance=600)


@pytest.mark.parametrize(
    ("patterns", "verb", "wanted"),
    [
        (("entry.added",), "entry.added", True),
        (("entry.added",), "entry.removed", False),
        (("entry.*",), "entry.removed", True),
        (("*.removed",), "alias.removed", True),
        (("*.removed",), "member.removed", False),
        (("*",), "promotion.approved", True),
        (("*",), "item.created", False),
        (("*.*",), "collection.purged", True),
        (("alias.set", "revision.*"), "revision.named", True),
        (DEFAULT_VERBS, "promotion.requested", True),
        (DEFAULT_VERBS, "entry.updated", False),
    ],
)
def test_patterns_of_verbs(patterns: tuple[str, ...], verb: str, wanted: bool):
    assert set(check_verbs(patterns)) == set(patterns)
    assert wants(patterns, verb) is wanted


def test_patience_is_long_and_ends():
    assert list(BACKOFF) == sorted(BACKOFF)
    assert [pause.total_seconds() for pause in BACKOFF] == [10, 60, 300, 1800, 7200, 21600]
