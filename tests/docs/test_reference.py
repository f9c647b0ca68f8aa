"""The generated pages of the reference say what the code says."""

from __future__ import annotations

import pytest

import reference


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_generated_page_is_fresh(name: str):
    assert (reference.FOLDER / name).read_text(encoding="utf-8") == reference.PAGES[name](), "run `make docs`"
