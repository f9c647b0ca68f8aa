"""Where webhooks may send: never to the server itself or into the network that it stands in, unless it is allowed.

A URL is checked when it is given, which helps who made a mistake. What protects is `permitted`: it is asked about the
very addresses that a connection is made to, after the name was looked up and before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from socket import inet_aton, inet_ntoa
from unicodedata import normalize
from urllib.parse import unquote

import httpx2

from pinakes.server.errors import Invalid

LONGEST = 2000
_AUTHORITY = re.compile(r"^[^/]*//([^/?#]*).*$", re.DOTALL)
SCHEMES = ("http", "https")

# What Python's `is_global` does not know in every version, and addresses of clouds' metadata that look public.
_CLOSED_V4 = tuple(
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Names that end so are never those of hosts on the internet.
_CLOSED_NAMES = ("localhost", "local", "internal")
_UNICAST_V6 = IPv6Network("2000::/3")
# In these, the last four bytes are an IPv4 address, and what is said to them is said to that.
_MAPPED_V6 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
_LOW_32 = 0xFFFF_FFFF
_PORTS = range(1, 2**16)

_HINT = "PINAKES_WEBHOOK_PRIVATE_ADDRESSES on the server allows others"


def check_url(url: str, *, private: bool) -> str:
    """Return a URL to send to, if it can be one. With `private`, the server's own network is allowed.

    Raises:
        Invalid: (field `url`) it is none, or it names an address that is not allowed.
    """
    problem = _problem(url, private=private)
    if problem is not None:
        raise Invalid(problem, field="url")
    return url


def permitted(addresses: Sequence[str], *, private: bool) -> list[str]:
    """Return those of the addresses which a name stands for that may be connected to."""
    return [address for address in addresses if private or is_public(address)]


def why_not(addresses: Sequence[str]) -> str:
    """Say why none of the addresses which a name stands for may be connected to."""
    return f"It leads to {', '.join(addresses[:3])}, which is not on the internet; {_HINT}."


def is_public(address: str) -> bool:
    """Tell whether an IP address is out on the internet: not this host, its networks, or one that stands for such."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv4Address):
        return _is_public_v4(ip)
    if ip in _UNICAST_V6:
        return ip.is_global and (ip.sixtofour is None or _is_public_v4(ip.sixtofour))
    return any(ip in net for net in _MAPPED_V6) and _is_public_v4(IPv4Address(int(ip) & _LOW_32))


def _is_public_v4(ip: IPv4Address) -> bool:
    return ip.is_global and not any(ip in net for net in _CLOSED_V4)


def _problem(url: str, *, private: bool) -> str | None:
    """Say what is wrong with a URL to send to."""
    if len(url) > LONGEST or not url.isprintable() or " " in url:
        return f"A webhook's URL has at most {LONGEST} characters, without blanks and control characters."
    try:
        parsed = httpx2.URL(url)
        host = parsed.host
    except (httpx2.InvalidURL, UnicodeError):
        return "This is no URL."
    if parsed.scheme not in SCHEMES or not host:
        return "A webhook's URL begins with http:// or https:// and names a host."
    if parsed.port is not None and parsed.port not in _PORTS:
        return f"There is no port {parsed.port}."
    if not private and not may_be_public(host):
        return f"{host} is no address on the internet; {_HINT}."
    return _needless(parsed, url)


def _needless(parsed: httpx2.URL, url: str) -> str | None:
    """Say what a URL to send to holds that it must not."""
    if parsed.userinfo or "@" in _AUTHORITY.sub(r"\1", url):
        return "A webhook's URL holds no user and password: who receives knows us by the signature."
    return "A webhook's URL has no fragment (`#…`): it would not be sent." if "#" in url else None


def may_be_public(host: str) -> bool:
    """Tell what can be told about a host before its name is looked up, in whichever way an address is written.

    Names are read as clients read them: other digits and dots of Unicode are the plain ones, and %31 is a 1.
    """
    name = normalize("NFKC", unquote(host)).replace("\u3002", ".").strip("[]").rstrip(".").lower()
    if name.rpartition(".")[2] in _CLOSED_NAMES:
        return False
    if ":" in name:
        return is_public(name)
    try:
        return is_public(inet_ntoa(inet_aton(name)))
    except (OSError, UnicodeError):
        return True
