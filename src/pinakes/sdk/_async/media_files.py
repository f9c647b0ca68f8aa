"""The files of media, there and back: only what is missing is sent or fetched, several at once, each checked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import IO

from pinakes.api.media import MAX_SMALL, Dataset, MediaBatch, MediaResult, Medium
from pinakes.sdk import local, local_media
from pinakes.sdk._async._places import AsyncPlacedNoun, DatasetLike, MediumLike, dataset_named, medium_id
from pinakes.sdk.addressing import CollectionLike, collection_ref
from pinakes.sdk.calls import Call, call, given, segment
from pinakes.sdk.errors import Conflict, ConnectionFailed, Invalid, Unavailable, UnexpectedAnswer
from pinakes.sdk.files import Target
from pinakes.sdk.local import PathLike
from pinakes.sdk.local_media import Bundle, MediaFile
from pinakes.sdk.naming import ProjectLike
from pinakes.sdk.parallel import each_async, in_thread_async
from pinakes.sdk.progress import OnProgress, silent
from pinakes.sdk.results import FetchTally, MediaDownloaded, MediaTally, MediaUploaded, error_facts

_PARTIAL = 206
_TRIES = 2
_BYTES = "application/octet-stream"


class AsyncMediaFiles(AsyncPlacedNoun):
    """What can be done with the files of media."""

    async def upload_file(self, dataset: DatasetLike, file: PathLike, *, name: str | None = None) -> Medium:
        """Send one file, and make an item of it. One that is there with the same content is answered as it is.

        Args:
            dataset: Where to.
            file: Its path.
            name: What it shall be called; as the file without it.
        """
        source = Path(file)
        number = await self._dataset(dataset)
        found = MediaFile((), name or source.name, source, source.stat().st_size)
        sha256 = await in_thread_async(local_media.sha256_of, source)
        body = {"items": [{"name": found.name, "sha256": sha256}]}
        batch = await self._session.read(call("POST", f"/datasets/{number}/media", body=body), MediaBatch)
        result = batch.results[0]
        if result.id is not None and result.outcome in {"added", "unchanged"}:
            return await self._session.get(f"/media/{result.id}", Medium)
        return await self._put(number, found, sha256)

    async def upload(
        self,
        dataset: DatasetLike,
        folder: PathLike,
        *,
        nested: bool = True,
        at_once: int = 8,
        progress: OnProgress = silent,
    ) -> MediaUploaded:
        """Send the files of a folder, however many, and make items of them. Repeating it sends only what is missing.

        What is no medium of the project's type, and what is there under the same name with other content, is refused
        and named in the answer; the rest goes on.

        Args:
            dataset: Where to.
            folder: Its path. Hidden files are passed over.
            nested: Make a dataset in `dataset` of each folder in it; else only its own files are sent.
            at_once: How many batches to read or send at the same time: each has some hundred small files, or one large.
            progress: Called again and again.
        """
        place = Path(folder)
        root = await self._session.get(f"/datasets/{await self._dataset(dataset)}", Dataset)
        total = await in_thread_async(local_media.count, place)
        tally = MediaTally(total, progress)
        datasets: dict[tuple[str, ...], int] = {(): root.id}

        async def send(batch: Sequence[MediaFile]) -> None:
            folders = batch[0].folders
            files = [file for file in batch if tally.storable(file.source, *folders, file.name)]
            if folders and not nested:
                tally.pass_over(len(files))
            elif files:
                try:
                    target = await self._below(root, datasets, folders)
                except Invalid as error:
                    for file in files:
                        tally.refused(file.source, error_facts(error))
                else:
                    await self._send_batch(target, files, tally)

        await each_async(send, local_media.batches(place), at_once, _nothing)
        return tally.uploaded()

    async def download_file(self, medium: MediumLike, to: PathLike | IO[bytes]) -> int:
        """Fetch an item's file into a path, or into a file that is open for writing bytes; return how long it is."""
        target = Target(to)
        the_call = _get(f"/media/{medium_id(medium)}/file", 0, "")
        attempt = 0
        while True:
            attempt += 1
            try:
                with target as file:
                    async with self._session.open(the_call) as response:
                        async for chunk in response.aiter_bytes():
                            file.write(chunk)
            except ConnectionFailed as failure:
                if not target.may_begin_anew:
                    raise
                await self._session.pause(attempt, failure)
            else:
                return target.written

    async def thumbnail(self, medium: MediumLike) -> bytes:
        """Read the image of at most 320 pixels that stands for an item."""
        the_call = call("GET", f"/media/{medium_id(medium)}/thumbnail", headers={"Accept": "image/*"})
        return (await self._session.send(the_call)).content

    async def download(
        self,
        to: PathLike,
        query: str | None = None,
        *,
        project: ProjectLike | None = None,
        dataset: DatasetLike | None = None,
        recursive: bool = True,
        collection: CollectionLike | None = None,
        at_once: int = 8,
        progress: OnProgress = silent,
    ) -> MediaDownloaded:
        """Bring the files of items into a folder: those of a project, a dataset, a collection, or a query within these.

        Each goes into a folder for its dataset. Files that are there already with the right content stay as they are,
        so repeating the call fetches only what is missing; one that broke off goes on where it broke.

        Args:
            to: The folder; it is made when it is not there.
            query: Which ones.
            project: Of this project.
            dataset: Of this dataset.
            recursive: And of the datasets in it.
            collection: In this collection.
            at_once: How many files to fetch at the same time.
            progress: Called again and again.
        """
        folder = Path(to)
        folder.mkdir(parents=True, exist_ok=True)
        pages = self._placed(
            "/media",
            Medium,
            local_media.AT_ONCE,
            within=project,
            datasets={"dataset": dataset},
            query=query,
            recursive=recursive or None,
            collection=None if collection is None else collection_ref(collection),
        )
        names: dict[int, tuple[str, ...]] = {}
        tally = FetchTally(progress)

        async def fetch(medium: Medium) -> None:
            if medium.sha256 is None:
                tally.count(elsewhere=True)
                return
            place = local.place_of(folder, "/".join((*names[medium.dataset], medium.name)))
            place.parent.mkdir(parents=True, exist_ok=True)
            kept = await in_thread_async(local_media.is_there, place, medium.size, medium.sha256)
            if not kept:
                await self._fetch(medium, place, tally)
            tally.count(size=medium.size or 0, kept=kept)

        async for page in pages.pages():
            for number in sorted({medium.dataset for medium in page.rows} - {*names}):
                names[number] = await self._folders(number, names)
            await each_async(fetch, page.rows, at_once, tally.stop)
        return tally.downloaded(folder)

    async def _folders(self, dataset: int, known: dict[int, tuple[str, ...]]) -> tuple[str, ...]:
        """Return the names of a dataset and of those that it is in, from the top."""
        if dataset in known:
            return known[dataset]
        found = await self._session.get(f"/datasets/{dataset}", Dataset)
        above = () if found.parent is None else await self._folders(found.parent, known)
        return (*above, found.name)

    async def _fetch(self, medium: Medium, place: Path, tally: FetchTally) -> None:
        """Fetch a file into its place, beginning with what is there of it from before."""
        sha256 = medium.sha256 or ""
        part = local.part_of(place, sha256)
        for _ in range(_TRIES):
            await self._receive(medium, part, sha256, tally)
            if await in_thread_async(local_media.is_there, part, None, sha256):
                part.replace(place)
                return
            part.unlink()
        message = f"What came for {medium.name!r} is not what the server says: its SHA-256 is another one."
        raise UnexpectedAnswer(message, code="wrong_content", field="path", details={"item": medium.id})

    async def _receive(self, medium: Medium, part: Path, sha256: str, tally: FetchTally) -> None:
        """Receive the rest of a file; go on where it breaks, unless all of it has been stopped."""
        attempt = 0
        with part.open("ab") as opened:
            while medium.size is None or opened.tell() < medium.size:
                before = opened.tell()
                try:
                    async with self._session.open(_get(f"/media/{medium.id}/file", before, sha256)) as response:
                        if response.status_code != _PARTIAL and before:
                            opened.truncate(0)
                            opened.seek(0)
                        async for chunk in response.aiter_bytes():
                            opened.write(chunk)
                            if tally.stopped:
                                raise local.Stopped
                except (ConnectionFailed, Unavailable) as failure:
                    if tally.stopped:
                        raise
                    attempt = 1 if opened.tell() > before else attempt + 1
                    await self._session.pause(attempt, failure)
                else:
                    return

    async def _below(self, root: Dataset, known: dict[tuple[str, ...], int], folders: tuple[str, ...]) -> int:
        """Return the dataset of a folder, and make it, and those that it is in, where they are not there."""
        if folders not in known:
            parent = await self._below(root, known, folders[:-1])
            body = given(project=root.project, parent=parent, name=folders[-1])
            try:
                made = await self._session.read(call("POST", "/datasets", body=body), Dataset)
            except Conflict:
                found = await dataset_named(self._session, root.project, parent, folders[-1])
                if found is None:
                    raise
                made = found
            known[folders] = made.id
        return known[folders]

    async def _send_batch(self, dataset: int, files: Sequence[MediaFile], tally: MediaTally) -> None:
        """Say which files there are, and send those that the server lacks: the small ones together."""
        hashed: list[tuple[MediaFile, str]] = []
        digests = await in_thread_async(local_media.sha256_of_each, files)
        for file, sha256 in zip(files, digests, strict=True):
            if isinstance(sha256, str):
                hashed.append((file, sha256))
            else:
                tally.refused(file.source, ("unreadable", f"It can't be read: {sha256.strerror}."))
        if not hashed:
            return
        body = {"items": [{"name": file.name, "sha256": sha256} for file, sha256 in hashed]}
        the_call = call("POST", f"/datasets/{dataset}/media", body=body, patient=True)
        results = (await self._session.read(the_call, MediaBatch)).results
        missing: list[tuple[MediaFile, str]] = []
        for (file, sha256), result in zip(hashed, results, strict=True):
            if result.outcome == "missing":
                missing.append((file, sha256))
            else:
                tally.settled(file.source, result)
        await self._send_small(dataset, [one for one in missing if one[0].size <= MAX_SMALL], tally)
        for file, sha256 in missing:
            if file.size > MAX_SMALL:
                await self._send_large(dataset, file, sha256, tally)

    async def _send_small(self, dataset: int, files: Sequence[tuple[MediaFile, str]], tally: MediaTally) -> None:
        """Send many files in one body."""
        if not files:
            return
        bundle = Bundle(files)

        async def pieces() -> AsyncIterator[bytes]:
            for piece in bundle.pieces():
                yield piece

        the_call = call("PUT", f"/uploads/{dataset}", headers={"Content-Type": _BYTES}, keyed=False, patient=True)
        async with self._session.open(the_call, pieces) as response:
            await response.aread()
            results = self._session.parse(response, MediaBatch).results
        for file, result in zip(bundle.sent, results, strict=True):
            tally.sent(file, result)
        for file in {file for file, _ in files}.difference(bundle.sent):
            tally.refused(file.source, ("unreadable", "It is gone, or was changed, while the others were sent."))

    async def _send_large(self, dataset: int, file: MediaFile, sha256: str, tally: MediaTally) -> None:
        """Send a file by itself."""
        try:
            made = await self._put(dataset, file, sha256)
        except (Conflict, Invalid) as error:
            tally.refused(file.source, error_facts(error))
        else:
            tally.sent(file, MediaResult(outcome="added", id=made.id))

    async def _put(self, dataset: int, file: MediaFile, sha256: str) -> Medium:
        async def chunks() -> AsyncIterator[bytes]:
            for piece in local_media.pieces(file.source):
                yield piece

        headers = {"Content-Length": str(file.size), "Content-Type": _BYTES}
        path = f"/uploads/{dataset}/{segment(file.name)}"
        the_call = call("PUT", path, params={"sha256": sha256}, headers=headers, keyed=False, patient=True)
        async with self._session.open(the_call, chunks) as response:
            await response.aread()
            return self._session.parse(response, Medium)


def _nothing() -> None:
    """Let what is under way end by itself."""


def _get(path: str, start: int, sha256: str) -> Call:
    headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": f'"{sha256}"'}
    return call("GET", path, headers=headers, patient=True)
