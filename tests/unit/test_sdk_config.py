"""Which server, and as whom."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

import pinakes
from pinakes.sdk import config

HERE = config.Login("http://localhost:8080", "t" * 20)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv(config.URL_VARIABLE, raising=False)
    monkeypatch.delenv(config.TOKEN_VARIABLE, raising=False)
    return tmp_path


def test_a_login_is_kept_where_nobody_else_reads_it():
    path = config.save(HERE)
    assert config.saved() == HERE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["login.json"]
    assert config.forget()
    assert config.saved() is None
    assert not config.forget()


def test_saving_again_closes_a_file_that_was_open_to_others():
    path = config.save(HERE)
    path.chmod(0o644)
    config.save(HERE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_call_goes_before_the_environment_before_the_login(monkeypatch: pytest.MonkeyPatch):
    config.save(HERE)
    assert config.resolve() == HERE
    monkeypatch.setenv(config.URL_VARIABLE, "http://env")
    monkeypatch.setenv(config.TOKEN_VARIABLE, "env-token")
    assert config.resolve() == config.Login("http://env", "env-token")
    assert config.resolve("http://call", "call-token") == config.Login("http://call", "call-token")


def test_a_saved_token_goes_to_no_other_server(monkeypatch: pytest.MonkeyPatch):
    config.save(HERE)
    assert config.resolve("http://elsewhere").token is None
    monkeypatch.setenv(config.URL_VARIABLE, "http://elsewhere")
    assert config.resolve().token is None
    assert config.resolve("http://localhost:8080/").token == HERE.token


def test_nobody_said_which_server():
    with pytest.raises(pinakes.NotConnected, match="pinakes login") as caught:
        config.resolve()
    assert caught.value.code == "not_connected"


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"token": "x"}'])
def test_a_damaged_login_says_so(content: str):
    path = config.save(HERE)
    path.write_text(content)
    with pytest.raises(pinakes.NotConnected, match="damaged"):
        config.resolve()


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("http://localhost:8080/", "http://localhost:8080"),
        ("localhost:8080", "http://localhost:8080"),
        ("127.0.0.1:80", "http://127.0.0.1:80"),
        ("pinakes.example.org", "https://pinakes.example.org"),
        (" https://example.org/pinakes/ ", "https://example.org/pinakes"),
    ],
)
def test_a_url_in_one_form(url: str, form: str):
    assert config.normal(url) == form


@pytest.mark.parametrize("url", ["ftp://example.org", "http://", "http:///x", "http://a:b", "", "http://[::1"])
def test_what_is_no_url_of_a_server(url: str):
    with pytest.raises(pinakes.NotConnected):
        config.normal(url)


def test_the_token_shows_nowhere():
    client = pinakes.connect("http://localhost:1", "a-very-secret-token")
    assert "secret" not in repr(client)
