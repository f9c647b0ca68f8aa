"""Notes as HTML: markdown, safe, and never slower than it has to be."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from markdown_it import MarkdownIt

from pinakes.server.wires.huggingface.encode import note_html

MARKDOWN = MarkdownIt("commonmark", {"html": False})


@given(st.text("aZéß日9 ,;.'()?%/-", max_size=40))
def test_words_are_what_markdown_makes_of_them(text: str) -> None:
    """The short cut for plain lines gives what the renderer gives."""
    assert note_html(text) == MARKDOWN.render(text).strip()


@pytest.mark.parametrize(
    ("note", "html"),
    [
        ("Würstchen", "<p>Würstchen</p>"),
        ("*a* `b`", "<p><em>a</em> <code>b</code></p>"),
        ("<b onclick=x>bold</b>", "<p>&lt;b onclick=x&gt;bold&lt;/b&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        (
            "[x](https://example.org)",
            '<p><a href="https://example.org" rel="noopener noreferrer">x</a></p>',
        ),
        ("a & b", "<p>a &amp; b</p>"),
        ("two\n\nparagraphs", "<p>two</p>\n<p>paragraphs</p>"),
    ],
)
def test_markdown(note: str, html: str) -> None:
    assert note_html(note) == html
