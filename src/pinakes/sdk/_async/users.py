"""Users, and what they are members of."""

from __future__ import annotations

from pinakes.api.people import Account, Member, Whoami
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk.calls import call, given, segment


class AsyncUsers(AsyncNoun):
    """Users. Only administrators of the server make, list and delete them."""

    async def me(self) -> Whoami:
        """Say who the token acts for, his organizations and teams, and the token itself.

        Raises:
            Unauthenticated: There is no token, or it is not valid.
        """
        return await self._session.get("/whoami", Whoami)

    def list(self, *, page_size: int = 100) -> AsyncPages[Account]:
        """List the users of the server, by name."""
        return self._pages("/users", Account, page_size)

    async def create(
        self,
        name: str,
        *,
        email: str | None = None,
        password: str | None = None,
        display_name: str | None = None,
        admin: bool = False,
    ) -> Account:
        """Make a user; without a password he can use tokens, but not sign in to the web."""
        body = given(name=name, email=email, password=password, display_name=display_name, admin=admin)
        return await self._session.read(call("POST", "/users", body=body, keyed=False), Account)

    async def get(self, name: str) -> Account:
        """Read a user."""
        return await self._session.get(f"/users/{segment(name)}", Account)

    async def update(
        self,
        name: str,
        *,
        email: str | None = None,
        password: str | None = None,
        current_password: str | None = None,
        display_name: str | None = None,
        admin: bool | None = None,
    ) -> Account:
        """Change a user; what is left out stays. For one's own new password one shows the `current_password`."""
        body = given(
            email=email, password=password, current_password=current_password, display_name=display_name, admin=admin
        )
        return await self._session.read(call("PATCH", f"/users/{segment(name)}", body=body, keyed=False), Account)

    async def delete(self, name: str, *, missing_ok: bool = False) -> None:
        """Delete a user with everything that he owns; his name is free again."""
        await self._delete(
            call("DELETE", f"/users/{segment(name)}", keyed=False, gone_is_done=True), missing_ok=missing_ok
        )

    def organizations(self, name: str) -> AsyncPages[Member]:
        """List the organizations and teams that a user is a member of, with his role in each."""
        return self._pages(f"/users/{segment(name)}/organizations", Member)
