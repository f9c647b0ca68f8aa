"""The server and the people for the tests of the Hub's client.

The folder runs under two interpreters: the main one, with the newest client and the fixtures of the main run, and the
one that holds the older client, which gets a server in `PINAKES_TEST_URL` and `PINAKES_TEST_ADMIN_TOKEN`.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

# Before the client is imported, since it reads them only then.
_HOME = tempfile.TemporaryDirectory(prefix="pinakes-hf-")
atexit.register(_HOME.cleanup)
os.environ["HF_HOME"] = _HOME.name
# A few methods of the older client know no other endpoint; in the main run, one that leads nowhere.
os.environ["HF_ENDPOINT"] = os.environ.get("PINAKES_TEST_URL", "http://127.0.0.1:9")
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_UPDATE_CHECK"] = "1"
os.environ.pop("HF_TOKEN", None)

from clients.huggingface.hub import Hub, Person  # noqa: E402


@pytest.fixture(scope="session")
def hub(request: pytest.FixtureRequest) -> Generator[Hub]:
    """The server that the environment names, else the main run's."""
    url, token = os.environ.get("PINAKES_TEST_URL"), os.environ.get("PINAKES_TEST_ADMIN_TOKEN")
    if url is None or token is None:
        server = request.getfixturevalue("server")
        url, token = server.url, server.admin_token
    with tempfile.TemporaryDirectory(prefix="pinakes-hf-homes-") as homes:
        yield Hub(url, token, Path(homes))


@pytest.fixture
def alice(hub: Hub) -> Person:
    """Somebody."""
    return hub.person("alice")


@pytest.fixture
def bob(hub: Hub) -> Person:
    """Somebody else."""
    return hub.person("bob")


@pytest.fixture
def nobody(hub: Hub) -> Person:
    """Somebody who did not sign in: his client sends no token."""
    from huggingface_hub import HfApi

    person = Person(hub.url, "", "", hub.homes / "nobody")
    person.__dict__["api"] = HfApi(endpoint=hub.url, token=False)
    return person
