"""Reading files elsewhere that items link to: within limits of size and time, and from the internet only.

The very addresses that a name stands for are checked, after each redirect again, so that a link never reaches into the
network that the server stands in.
"""

from __future__ import annotations

import asyncio
import tempfile
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urljoin

import httpx2

from pinakes.server.catalog import media_checks as checks, media_readers
from pinakes.server.errors import Invalid
from pinakes.server.events.webhook_sending import NotPermittedError, Post

MOST_BYTES = 64 * 1024 * 1024
TIMEOUT = 30.0
MOST_REDIRECTS = 4
_OK = 200
_HEADERS = {"User-Agent": f"pinakes-links/{version('pinakes')}", "Accept-Encoding": "identity"}


async def fetch_facts(url: str, *, private: bool = False) -> dict[str, object]:
    """Return what the image is that a link leads to: `mime`, `width`, `height` and what else is read from it.

    Raises:
        Invalid: (field `link`) it can't be reached, is not on the internet, or no image that we read.
    """
    content = await read_link(url, private=private)
    with tempfile.TemporaryDirectory(prefix="pinakes-") as folder:
        path = Path(folder) / "file"
        await asyncio.to_thread(path.write_bytes, content)
        mime, facts = await media_readers.read(path)
    if facts.get("kind") != "image":
        message = f"The link leads to no image: {facts.get('refused') or mime}"
        raise Invalid(message, field="link")
    return {"mime": mime, **facts}


async def read_link(url: str, *, private: bool = False) -> bytes:
    """Return the bytes that a link leads to; with `private`, the server's own network may be reached.

    Raises:
        Invalid: (field `link`) it can't be reached, is not on the internet, or has too many bytes.
    """
    post = Post(private=private)
    try:
        async with asyncio.timeout(TIMEOUT):
            return await _followed(post, checks.link(url, private=private), private=private)
    except TimeoutError as error:
        message = f"The link did not answer within {TIMEOUT:g} seconds."
        raise Invalid(message, field="link") from error
    except NotPermittedError as error:
        message = "The link leads to an address that is not on the internet."
        raise Invalid(message, field="link") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        message = f"The link can't be reached ({type(error).__name__})."
        raise Invalid(message, field="link") from error
    finally:
        await post.close()


async def _followed(post: Post, url: str, *, private: bool) -> bytes:
    for _ in range(MOST_REDIRECTS + 1):
        response = await post.get(url, _HEADERS)
        try:
            if not response.has_redirect_location:
                return await _body(response)
            url = checks.link(urljoin(url, response.headers["location"]), private=private)
        finally:
            await response.aclose()
    message = f"The link is redirected more than {MOST_REDIRECTS} times."
    raise Invalid(message, field="link")


async def _body(response: httpx2.Response) -> bytes:
    if response.status_code != _OK:
        message = f"The link answers with status {response.status_code}."
        raise Invalid(message, field="link")
    read = bytearray()
    async for chunk in response.aiter_raw():
        read += chunk
        if len(read) > MOST_BYTES:
            message = f"The link leads to more than {MOST_BYTES // 1024**2} MiB."
            raise Invalid(message, field="link")
    return bytes(read)
