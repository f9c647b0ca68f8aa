from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pinakes.server.settings import CannotStart, Settings, rates, unknown, variable


def test_an_empty_environment_gives_the_defaults():
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({"PINAKES_PORT": ""}).port == 8080


def test_each_type_is_read():
    settings = Settings.from_environment(
        {
            "PINAKES_PORT": "9000",
            "PINAKES_DATA_DIR": "/srv/pinakes",
            "PINAKES_ACCESS_LOG": "off",
            "PINAKES_LOG_LEVEL": "debug",
            "PINAKES_DATABASE_URL": "postgresql://db/pinakes",
        }
    )
    assert settings.port == 9000
    assert settings.data_dir == Path("/srv/pinakes")
    assert not settings.access_log
    assert settings.log_level == "debug"
    assert settings.database_url == "postgresql://db/pinakes"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PINAKES_PORT", "eighty", "PINAKES_PORT must be a whole number, not 'eighty'."),
        ("PINAKES_METRICS", "maybe", "PINAKES_METRICS must be true or false, not 'maybe'."),
        ("PINAKES_LOG_FORMAT", "xml", "PINAKES_LOG_FORMAT must be one of auto, json, console, not 'xml'."),
        ("PINAKES_WORKERS", "0", "PINAKES_WORKERS must be at least 1, not 0."),
        ("PINAKES_PORT", "-1", "PINAKES_PORT must be at least 0, not -1."),
        ("PINAKES_STOP_GRACE", "0", "PINAKES_STOP_GRACE must be at least 1, not 0."),
        ("PINAKES_SIGNIN_LIMIT", "often", "PINAKES_SIGNIN_LIMIT must be a rate such as 10/minute, not 'often'."),
        (
            "PINAKES_SIGNIN_LIMIT_ADDRESS",
            "9/day;x",
            "PINAKES_SIGNIN_LIMIT_ADDRESS must be a rate such as 10/minute, not '9/day;x'.",
        ),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(name: str, value: str, said: str):
    with pytest.raises(CannotStart) as refused:
        Settings.from_environment({name: value})
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("10/minute", [(10, 60)]),
        ("100 per 2 hours", [(100, 7200)]),
        ("3/second; 1000/day", [(3, 1), (1000, 86_400)]),
        ("0/minute", []),
        ("", []),
    ],
)
def test_rates_are_read(text: str, read: list[tuple[int, int]]):
    assert [(rate.times, rate.seconds) for rate in rates(text)] == read


def test_the_settings_survive_the_way_to_another_process():
    settings = Settings(port=1234, access_log=False, data_dir=Path("/srv/a"), admin_token="secret")
    assert Settings.from_environment(settings.to_environment()) == settings


@pytest.mark.parametrize(
    ("host", "external", "url"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:8080"),
        ("0.0.0.0", None, "http://localhost:8080"),
        ("::1", None, "http://[::1]:8080"),
        ("0.0.0.0", "https://pinakes.example/", "https://pinakes.example"),
    ],
)
def test_the_public_url(host: str, external: str | None, url: str):
    assert Settings(host=host, external_url=external).public_url == url


def test_misspelled_variables_are_found():
    environ = {"PINAKES_PROT": "1", "PINAKES_PORT": "1", "PINAKES_TOKEN": "the client's", "HOME": "/root"}
    assert unknown(environ) == ["PINAKES_PROT"]


def test_every_setting_is_described():
    described = {row.variable: row for row in Settings.describe()}
    assert list(described) == [variable(field.name) for field in dataclasses.fields(Settings)]
    assert all(row.about.endswith(".") for row in described.values())
    assert {name for name, row in described.items() if row.secret} == {"PINAKES_DATABASE_URL", "PINAKES_ADMIN_TOKEN"}
