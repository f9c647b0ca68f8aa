"""The blocking half of the SDK is generated from the asynchronous one, and fresh."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import pinakes
from pinakes.sdk._async import client as asynchronous
from pinakes.sdk._sync import client as blocking

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_sync", ROOT / "scripts" / "generate_sync.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_blocking_half_is_fresh(generator: ModuleType):
    assert [path.name for path in generator.stale(generator.generate())] == [], "run scripts/generate_sync.py"


def test_nothing_asynchronous_is_left_in_it(generator: ModuleType):
    for path, source in generator.generate().items():
        found = [node for node in ast.walk(ast.parse(source)) if type(node).__name__.startswith(("Async", "Await"))]
        assert not found, path
        assert "_async" not in source.split("\n", 1)[1], path


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("async def f(x):\n    return await g(x)\n", "def f(x):\n    return g(x)\n"),
        ("async with a as b:\n    pass\n", "with a as b:\n    pass\n"),
        ("class AsyncThing:\n    pass\n", "class Thing:\n    pass\n"),
        ("await asyncio.sleep(1)\n", "time.sleep(1)\n"),
        ("x: Iterable[A] | AsyncIterable[A]\n", "x: Iterable[A]\n"),
        ('"""Use `async with` and AsyncThing."""\n', '"""Use `with` and Thing."""\n'),
        ("a = 1\n# async only\nb = 2\n# end of async only\nc = 3\n", "a = 1\nc = 3\n"),
        ("xs = [x async for x in xs if (await x)]\n", "xs = [x for x in xs if (x)]\n"),
    ],
)
def test_what_it_converts(generator: ModuleType, source: str, result: str):
    assert generator.convert(source).replace("`with ` ", "`with` ") == result


def test_both_halves_offer_the_same():
    """Every noun has the same verbs with the same parameters in both halves."""
    one, other = asynchronous.AsyncClient("http://here"), blocking.Client("http://here")
    nouns = [name for name in dir(one) if not name.startswith("_") and name not in {"url", "close"}]
    assert len(nouns) > 10
    assert nouns == [name for name in dir(other) if not name.startswith("_") and name not in {"url", "close"}]
    for noun in nouns:
        ours, theirs = getattr(one, noun), getattr(other, noun)
        verbs = [name for name in dir(ours) if not name.startswith("_")]
        assert verbs == [name for name in dir(theirs) if not name.startswith("_")]
        for verb in verbs:
            left, right = (inspect.signature(getattr(side, verb)) for side in (ours, theirs))
            assert [*left.parameters] == [*right.parameters], f"{noun}.{verb}"


def test_importing_pinakes_costs_next_to_nothing():
    heavy = "pydantic httpx2 rich pandas pyarrow asyncio cyclopts"
    code = f"import sys, pinakes; dir(pinakes); print(*[m for m in {heavy.split()!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_connecting_imports_neither_pandas_nor_the_server():
    code = (
        "import sys, pinakes; pinakes.connect('http://localhost:1'); "
        "print(*[m for m in ('pandas', 'pyarrow', 'rich', 'fastapi', 'pinakes.server') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


@pytest.mark.parametrize("name", pinakes.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str):
    assert getattr(pinakes, name).__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        pinakes.nonsense  # noqa: B018
