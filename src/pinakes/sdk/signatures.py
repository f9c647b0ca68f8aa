"""Checking that a request to a webhook comes from Pinakes: what a receiver does before it believes anything."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping

from pinakes.sdk.errors import Unauthenticated

HEADER = "X-Pinakes-Signature"
TOLERANCE = 300.0


def verify(key: str, headers: Mapping[str, str], body: bytes, *, tolerance: float = TOLERANCE) -> None:
    """Check the signature of a request to a webhook.

    Args:
        key: The webhook's key.
        headers: The request's headers.
        body: Its body, as it came.
        tolerance: How many seconds ago it may have been signed, or how far the two clocks may differ.

    Raises:
        Unauthenticated: It is not signed with this key, or so long ago that somebody may have kept it.
    """
    given = next((value for name, value in headers.items() if name.lower() == HEADER.lower()), "")
    moment, digest = _part(given, "t"), _part(given, "v1")
    expected = hmac.new(key.encode(), moment + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), digest):
        message = f"The request has no {HEADER} of this webhook's key."
        raise Unauthenticated(message, code="invalid_signature")
    if not moment.isdigit() or abs(time.time() - int(moment)) > tolerance:
        message = "The request was signed too long ago."
        raise Unauthenticated(message, code="signature_expired")


def _part(header: str, name: str) -> bytes:
    """Return what a signature's header says under a name."""
    pairs = (part.strip().partition("=") for part in header.split(","))
    return next((value for key, _, value in pairs if key == name), "").encode(errors="replace")
