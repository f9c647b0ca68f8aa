"""Search: words, in collections and items."""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.api.catalog import SearchHit, SearchKind
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk._async._paging import AsyncPages


class AsyncSearch(AsyncNoun):
    """Finds what the reader may see; call it: `client.search("vision transformer")`."""

    def __call__(
        self,
        text: str,
        *,
        kind: SearchKind | Sequence[SearchKind] | None = None,
        owner: str | None = None,
        page_size: int = 50,
    ) -> AsyncPages[SearchHit]:
        """Find what has every word in its name, title or owner's name, description or (collections) tags.

        Args:
            text: Words, in any case and order; the last one may be unfinished.
            kind: Of one of these kinds: of items, `registry`, or one kind of collections.
            owner: What belongs to this account.
            page_size: How many to ask for at once, at most 100.
        """
        return self._pages("/search", SearchHit, page_size, q=text, kind=kind, owner=owner)
