"""A server that speaks S3, in a thread of the test's process."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from unittest import mock

import httpx2
from moto.server import ThreadedMotoServer

_ACCESS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


@contextmanager
def bucket(name: str = "files") -> Generator[str]:
    """The URL of a new bucket; the environment says how to reach it."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    try:
        httpx2.put(f"{endpoint}/{name}").raise_for_status()
        with mock.patch.dict(os.environ, {**_ACCESS, "AWS_ENDPOINT": endpoint}):
            yield f"s3://{name}/some/prefix"
    finally:
        server.stop()
