"""Tokens: what a user lets programs act with."""

from __future__ import annotations

from datetime import datetime

from pinakes.api.people import NewToken, Token, TokenScope
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk.calls import call, given, segment


class AsyncTokens(AsyncNoun):
    """A user's tokens: one's own, or anybody's for an administrator of the server. This takes the scope `admin`."""

    def list(self, user: str) -> AsyncPages[Token]:
        """List a user's tokens, newest first; their values are not told again."""
        return self._pages(f"/users/{segment(user)}/tokens", Token)

    async def create(
        self,
        user: str,
        *,
        scope: TokenScope,
        name: str | None = None,
        value: str | None = None,
        expires_at: datetime | None = None,
        namespace: str | None = None,
    ) -> NewToken:
        """Make a token; its value, `.token`, is told this once.

        Args:
            user: Whom it acts for.
            scope: How far it reaches: `read`, `write` or `admin`.
            name: What it is for.
            value: A key that people bring from elsewhere, at least 20 characters; only administrators may.
            expires_at: When it ends; with its zone.
            namespace: The only account whose things it opens.
        """
        body = given(
            scope=scope,
            name=name,
            value=value,
            expires_at=None if expires_at is None else expires_at.isoformat(),
            namespace=namespace,
        )
        return await self._session.read(
            call("POST", f"/users/{segment(user)}/tokens", body=body, keyed=False), NewToken
        )

    async def delete(self, user: str, token_id: int, *, missing_ok: bool = False) -> None:
        """End a token."""
        path = f"/users/{segment(user)}/tokens/{token_id}"
        await self._delete(call("DELETE", path, keyed=False, gone_is_done=True), missing_ok=missing_ok)
