"""The files of versions, there and back: several at once, only what is missing, each checked by its MD5."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pinakes.api.common import Page
from pinakes.api.releases import DraftVersion, Upload, UploadInParts, UploadPart, Version, VersionFile
from pinakes.sdk import local
from pinakes.sdk._async._naming import AsyncNumberedNoun
from pinakes.sdk.calls import Call, call, given
from pinakes.sdk.errors import (
    ConnectionFailed,
    Forbidden,
    Invalid,
    NotFound,
    PinakesError,
    Unavailable,
    UnexpectedAnswer,
)
from pinakes.sdk.local import FilesLike, LocalFile, PathLike, Tally
from pinakes.sdk.naming import ProjectLike, VersionLike, project_path
from pinakes.sdk.parallel import each_async, in_thread_async
from pinakes.sdk.progress import OnProgress, silent
from pinakes.sdk.results import Downloaded, Uploaded

_PARTIAL = 206

# A file's MD5 may be wrong once: what had been kept of it was of something else.
_TRIES = 2

# A larger file is sent in parts, so that a connection that breaks costs one part only.
LARGE = 64 * 1024 * 1024
_PARTS_AT_ONCE = 2


class AsyncVersionFiles(AsyncNumberedNoun):
    """What can be done with the files of versions."""

    async def upload(
        self,
        project: ProjectLike,
        artifact: str,
        type: str,  # noqa: A002 - what it is called
        files: FilesLike = (),
        *,
        references: Mapping[str, str] | None = None,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] = (),
        aliases: Sequence[str] = (),
        at_once: int = 8,
        progress: OnProgress = silent,
    ) -> Uploaded:
        """Log a version of an artifact: say which files it has, send those that the server lacks, commit it.

        Repeating a call that broke off sends only what is missing; of a large file (more than 64 MiB), only the parts
        that are. A version with the same content as one that is
        there is that one, and gets the aliases.

        Args:
            project: `OWNER/PROJECT`; it is made when it is not there.
            artifact: The artifact's name; it is made when it is not there.
            type: Its type, such as `model` or `dataset`.
            files: A folder, a file, several of both, or a mapping from paths in the version to files and folders.
            references: What lives elsewhere: paths in the version, and their URLs (s3, gs, http, file).
            description: What it is.
            metadata: What is to be known about it: at most 100 keys.
            tags: Words to find it by.
            aliases: What it shall be called, beside `latest`.
            at_once: How many files to read or send at the same time.
            progress: Called again and again.
        """
        found = await in_thread_async(local.gather, files)
        md5s = await self._digests(found, at_once, progress)
        listed: list[dict[str, Any]] = [{"path": one.path, "size": one.size, "md5": md5s[one.path]} for one in found]
        listed += [{"path": path, "reference": where} for path, where in (references or {}).items()]
        body = given(artifact=artifact, type=type, description=description, metadata=metadata, files=listed)
        body |= {"tags": [*tags], "aliases": [*aliases]}
        # The server keeps no key of this call, and needs none: of what is begun twice, one is committed, one forgotten.
        the_call = call("POST", project_path(project, "versions"), body=body, patient=True)
        draft = await self._session.read(the_call, DraftVersion)
        if draft.existing:
            return Uploaded(draft.version, existing=True)
        missing = _each_content_once(draft.uploads, md5s)
        sent = await self._send_all(
            draft.version.id, missing, {one.path: one for one in found}, md5s, at_once, progress
        )
        commit = call("POST", f"/versions/{draft.version.id}/commit", patient=True)
        return Uploaded(await self._session.read(commit, Version), sent=len(missing), sent_bytes=sent)

    async def download(
        self,
        version: VersionLike,
        to: PathLike,
        *,
        paths: Sequence[str] | None = None,
        at_once: int = 8,
        progress: OnProgress = silent,
    ) -> Downloaded:
        """Bring a version's files into a folder; none is written outside of it, and none with another MD5 than its own.

        Files that are there already with the right content stay as they are. A file that broke off goes on where it
        broke, now or when the call is repeated. What lives elsewhere is listed in the answer, not fetched.

        Args:
            version: Which.
            to: The folder; it is made when it is not there.
            paths: Only these of its files.
            at_once: How many files to fetch at the same time.
            progress: Called again and again.

        Raises:
            Forbidden: One may see the version, but not download it.
            Invalid: A path of the version leads out of the folder; nothing was written.
            NotFound: There is no such file in the version.
        """
        number = await self._version(version)
        listed = await self._listed(number, paths)
        folder = Path(to)
        places = {file.path: local.place_of(folder, file.path) for file in listed}
        contents = [file for file in listed if file.md5 is not None]
        folder.mkdir(parents=True, exist_ok=True)
        tally = Tally("receiving", sum(file.size for file in contents), progress)
        kept: list[str] = []

        async def fetch(file: VersionFile) -> None:
            place = places[file.path]
            place.parent.mkdir(parents=True, exist_ok=True)
            if await in_thread_async(local.is_there, place, file.size, file.md5 or ""):
                kept.append(file.path)
                tally.add(file.size)
            else:
                await self._fetch(number, file, place, tally)

        await each_async(fetch, contents, at_once, tally.stop)
        elsewhere = [file for file in listed if file.md5 is None]
        return Downloaded(folder, len(contents), tally.done, len(kept), elsewhere)

    async def _digests(self, files: Sequence[LocalFile], at_once: int, progress: OnProgress) -> dict[str, str]:
        tally = Tally("preparing", sum(file.size for file in files), progress)
        md5s: dict[str, str] = {}

        async def digest(file: LocalFile) -> None:
            md5s[file.path] = await in_thread_async(local.md5_of, file.source, tally)

        await each_async(digest, files, at_once, tally.stop)
        return md5s

    async def _send_all(
        self,
        number: int,
        uploads: Sequence[Upload],
        files: Mapping[str, LocalFile],
        md5s: Mapping[str, str],
        at_once: int,
        progress: OnProgress,
    ) -> int:
        """Send what the server lacks; return how many bytes of it were not there yet."""
        tally = Tally("sending", sum(files[one.path].size for one in uploads), progress)
        kept: list[int] = []

        async def send(one: Upload) -> None:
            file = files[one.path]
            if file.size > LARGE:
                kept.append(await self._send_in_parts(number, file, md5s[one.path], tally))
            else:
                await self._send(one.url, file, 0, file.size, tally)

        await each_async(send, uploads, at_once, tally.stop)
        return tally.done - sum(kept)

    async def _send_in_parts(self, number: int, file: LocalFile, md5: str, tally: Tally) -> int:
        """Send the parts of a file that are missing, and have them put together; return how much was there already."""
        body = {"path": file.path, "size": file.size, "md5": md5}
        progress = local.Parts(file, tally)
        for attempt in range(_TRIES + 1):
            asked = call("POST", f"/versions/{number}/uploads", body=body, patient=True)
            plan = await self._session.read(asked, UploadInParts)
            if plan.there:
                progress.all_there()
                break
            try:
                await self._send_missing(plan.parts, progress)
                done = call("POST", f"/versions/{number}/uploads/complete", body=body, patient=True)
                await self._session.read(done, UploadInParts)
                break
            except (Forbidden, Invalid) as failure:
                # Addresses serve for a day; parts that nobody completes are kept for two.
                passing = isinstance(failure, Forbidden) or failure.field == "parts"
                if attempt == _TRIES or not passing:
                    raise
        return progress.kept

    async def _send_missing(self, parts: Sequence[UploadPart], progress: local.Parts) -> None:
        starts = progress.starts([part.size for part in parts])
        for part in parts:
            if part.there:
                progress.is_there(part.number, part.size)

        async def send(part: UploadPart) -> None:
            progress.is_sent_anew(part.number)
            await self._send(part.url, progress.file, starts[part.number - 1], part.size, progress.tally)
            progress.is_sent(part.number, part.size)

        await each_async(send, [part for part in parts if not part.there], _PARTS_AT_ONCE, progress.stop)

    async def _send(self, url: str, file: LocalFile, start: int, size: int, tally: Tally) -> None:
        """Send so many bytes of a file, from `start` on."""
        counted = 0

        async def chunks() -> AsyncIterator[bytes]:
            nonlocal counted
            tally.add(-counted)
            counted = 0
            with file.source.open("rb") as opened:
                opened.seek(start)
                while chunk := opened.read(min(local.CHUNK, size - counted)):
                    yield chunk
                    counted += len(chunk)
                    tally.add(len(chunk))

        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        the_call = call("PUT", url, headers=headers, keyed=False, patient=True)
        try:
            async with self._session.open(the_call, chunks) as response:
                await response.aread()
        except PinakesError:
            tally.add(-counted)
            raise

    async def _listed(self, number: int, paths: Sequence[str] | None) -> list[VersionFile]:
        pages = self._of(number, "files", VersionFile, 1000, name=paths)
        listed = [file async for file in pages]
        missing = sorted({*(paths or ())} - {file.path for file in listed})
        if missing:
            message = f"The version has no file {missing[0]!r}."
            raise NotFound(message, code="file_not_found", field="paths", details={"missing": missing})
        return listed

    async def _fetch(self, number: int, file: VersionFile, place: Path, tally: Tally) -> None:
        """Fetch a file into its place, beginning with what is there of it from before."""
        part = local.part_of(place, file.md5 or "")
        for _ in range(_TRIES):
            got = await self._receive(number, file, part, tally)
            if got == file.md5:
                part.replace(place)
                return
            tally.add(-part.stat().st_size)
            part.unlink()
        message = f"What came for {file.path!r} is not what the version says: its MD5 is another one."
        raise UnexpectedAnswer(message, code="wrong_content", field="path", details={"path": file.path})

    async def _receive(self, number: int, file: VersionFile, part: Path, tally: Tally) -> str:
        """Receive the rest of a file; go on where it breaks. Return the MD5 of all of it."""
        url, attempt, renewed = file.url, 0, False
        digest = await in_thread_async(local.digest_so_far, part, tally)
        with part.open("ab") as opened:
            while opened.tell() < file.size:
                before = opened.tell()
                try:
                    async with self._session.open(_get(url, file, before)) as response:
                        if response.status_code != _PARTIAL and before:
                            opened.truncate(0)
                            opened.seek(0)
                            tally.add(-before)
                            digest = local.empty_digest()
                        async for chunk in response.aiter_bytes():
                            opened.write(chunk)
                            digest.update(chunk)
                            tally.add(len(chunk))
                    if opened.tell() == before:
                        break
                except (ConnectionFailed, Unavailable) as failure:
                    attempt = 1 if opened.tell() > before else attempt + 1
                    await self._session.pause(attempt, failure)
                except Forbidden:
                    # The address serves for an hour, and there was more to fetch than that: ask for another one.
                    if renewed:
                        raise
                    url, renewed = await self._renewed(number, file.path), True
        return digest.hexdigest()

    async def _renewed(self, number: int, path: str) -> str:
        page = await self._session.get(f"/versions/{number}/files", Page[VersionFile], name=[path])
        return page.rows[0].url


def _each_content_once(uploads: Sequence[Upload], md5s: Mapping[str, str]) -> list[Upload]:
    return [*{md5s[one.path]: one for one in reversed(uploads)}.values()][::-1]


def _get(url: str, file: VersionFile, start: int) -> Call:
    headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": f'"{file.md5}"'}
    return call("GET", url, headers=headers, patient=True)
