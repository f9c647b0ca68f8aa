"""A server with example content, to look around in: `make demo`.

    python examples/demo/run.py --port 8080

Starts `pinakes serve` on a fresh data folder, fills it with `fill.py`, `releases.py` and `mining.py`, and serves until
Ctrl-C. A folder given with `--data` is kept, and found again the next time; without it, the folder goes with the
server.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import httpx2

FILL = Path(__file__).with_name("fill.py")
RELEASES = Path(__file__).with_name("releases.py")
MINING = Path(__file__).with_name("mining.py")
PROGRAM = Path(sys.executable).with_name("pinakes")
HOST = "127.0.0.1"
PASSWORD = "library of alexandria"  # of everybody in the showcase; the server listens on this machine only

START_TIMEOUT = 120.0
STOP_TIMEOUT = 30.0

Server = subprocess.Popen[bytes]


class Failed(Exception):
    """The demo could not be set up; what went wrong was said by whoever failed, unless it says it here."""


def main() -> int:
    """Serve, fill, and go on serving until told to stop."""
    options = arguments()
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop_signal, leave)
    url = f"http://{HOST}:{options.port}"
    try:
        with data_folder(options.data) as data, serving(options.port, data) as server:
            wait_until_ready(url, server)
            fill(url, data / "admin-token")
            print(what_to_open(url, data), flush=True)
            return 0 if options.once else server.wait()
    except Failed as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Serve Pinakes with example content.")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--data", type=Path, help="a data folder to keep; a temporary one when left out")
    parser.add_argument("--once", action="store_true", help="stop when everything is there")
    return parser.parse_args()


@contextmanager
def data_folder(chosen: Path | None) -> Generator[Path]:
    """Give the server a folder; a temporary one goes when this ends."""
    if chosen is not None:
        yield chosen.absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="pinakes-demo-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)  # the private PostgreSQL runs as another user then, and must get through
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(port: int, data: Path) -> Generator[Server]:
    """Run the server as long as this lasts. In a session of its own: Ctrl-C comes to us, and we stop it once."""
    command = [PROGRAM, "serve", "--host", HOST, "--port", str(port), "--data", data]
    server = subprocess.Popen(command, env=environment(), start_new_session=True)
    try:
        yield server
    finally:
        stop(server)


def environment() -> dict[str, str]:
    """Our environment without settings: the demo has a database, a folder and a token of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PINAKES_")}
    return kept | {"PINAKES_ACCESS_LOG": "false", "PINAKES_LOG_LEVEL": os.environ.get("PINAKES_LOG_LEVEL", "warning")}


def stop(server: Server) -> None:
    """Stop the server, which takes its PostgreSQL along."""
    if server.poll() is None:
        server.terminate()
    try:
        server.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def wait_until_ready(url: str, server: Server) -> None:
    """Wait until the server answers.

    Raises:
        Failed: it ended, or takes too long.
    """
    until = time.monotonic() + START_TIMEOUT
    while time.monotonic() < until:
        if server.poll() is not None:
            message = "the server did not start; it says why above."
            raise Failed(message)
        if is_ready(url):
            return
        time.sleep(0.2)
    message = f"the server was not ready after {START_TIMEOUT:.0f} seconds."
    raise Failed(message)


def is_ready(url: str) -> bool:
    """Tell whether the server and its database answer."""
    try:
        return httpx2.get(f"{url}/readyz", timeout=5, trust_env=False).is_success
    except httpx2.TransportError:
        return False


def fill(url: str, token_file: Path) -> None:
    """Run `fill.py` on the server, then `releases.py`, then `mining.py`.

    Raises:
        Failed: one of them did not get through.
    """
    known = ["--url", url, "--token-file", token_file]
    people = ["--password", PASSWORD]
    for command in ([FILL, *known, *people], [RELEASES, *known], [MINING, *known, *people]):
        if subprocess.run([sys.executable, *command], check=False).returncode != 0:
            message = "filling the server did not work."
            raise Failed(message)


def what_to_open(url: str, data: Path) -> str:
    """Say where to look."""
    return f"""
  Open     {url}
  Sign in  as hypatia, callimachus or theon (who labels), with the password “{PASSWORD}”
           as admin, with the token in {data / "admin-token"}
  Ctrl-C stops it.
"""


def leave(_signal: int, _frame: FrameType | None) -> None:
    """Unwind what was started; also where Ctrl-C was switched off, as in a shell's background."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
