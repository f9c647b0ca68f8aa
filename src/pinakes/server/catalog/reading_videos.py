"""Reading videos: their streams and the moments of their frames, counted without decoding, and a poster."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinakes.server.catalog.media_sniffing import Unreadable
from pinakes.server.catalog.reading_images import check_size, jpeg_of_pixels, thumbnail_of_pixels

if TYPE_CHECKING:
    from av.container import InputContainer

# A video of more frames in all its streams, or that takes longer to go through, is refused.
MOST_FRAMES = 5_000_000
MOST_SECONDS = 300.0
MOST_STREAMS = 64
_LOOKED_AT = 4096

# Moments that are so close to an even beat are kept as its beginning and step.
_EVEN = 0.0015

_SEGMENT = b"\x18\x53\x80\x67"
_EBML_HEAD = 4096

# Only the demuxer of what the first bytes say: others (playlists, lists of files) would open what they name.
_DEMUXERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/mp2t": "mpegts",
    "video/x-ms-wmv": "asf",
    "video/ogg": "ogg",
}


def read_video(path: Path, mime: str) -> dict[str, object]:
    """Return what a video is: the size and frames of its first stream of pictures, and all of its streams.

    Raises:
        Unreadable: it is broken, breaks off, has no pictures, or is too long.
    """
    if _DEMUXERS[mime] == "matroska":
        _check_segment(path)
    with _opened(path, mime) as container:
        if len(container.streams) > MOST_STREAMS:
            message = f"It has {len(container.streams)} streams; at most {MOST_STREAMS} are taken."
            raise Unreadable(message)
        if not container.streams.video:
            message = "It has no pictures, only sound or data."
            raise Unreadable(message)
        moments = _moments(container)
        streams = [_stream(stream, moments.get(stream.index, [])) for stream in container.streams]
        length = container.duration
    turned = _check_first_frame(path, mime)
    first = next(stream for stream in streams if stream["codec_type"] == "video")
    if turned % 180:
        first["width"], first["height"] = first["height"], first["width"]
    duration = length / 1_000_000 if length is not None else first["duration"]
    facts: dict[str, object] = {
        "width": first["width"],
        "height": first["height"],
        "frames": first["frames"],
        "duration": duration,
        "format": _DEMUXERS[mime],
        "streams": streams,
    }
    return facts | ({"rotation": turned} if turned else {})


def timecodes(stream: dict[str, Any]) -> list[float]:
    """Return the moment of each frame of a stream, in seconds, from how it is kept."""
    kept = stream.get("timecodes")
    if isinstance(kept, list):
        return [float(moment) for moment in kept]
    if isinstance(kept, dict):
        start, step = float(kept["start"]), float(kept["step"])
        return [round(start + number * step, 6) for number in range(int(stream["frames"]))]
    return []


def poster(path: Path, mime: str) -> bytes:
    """Return the thumbnail of a video's first frame.

    Raises:
        Unreadable: it can't be decoded.
    """
    frame = _first_frame(path, mime)
    return thumbnail_of_pixels(frame.to_ndarray(format="rgb24"), -int(getattr(frame, "rotation", 0)))


def frames(path: Path, mime: str, wanted: Iterable[int]) -> Generator[tuple[int, bytes]]:
    """Tell some frames of a video, by their numbers from 0 on, in order: each as a JPEG, turned as players turn it.

    What the video has no frame of is left out. All that comes before the last one is decoded.

    Raises:
        Unreadable: it can't be decoded.
    """
    left = sorted(set(wanted), reverse=True)
    if not left or mime not in _DEMUXERS:
        return
    with _opened(path, mime) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for number, frame in enumerate(container.decode(stream)):
            if number == left[-1]:
                pixels = frame.to_ndarray(format="rgb24")
                yield left.pop(), jpeg_of_pixels(pixels, -int(getattr(frame, "rotation", 0)))
            if not left:
                return


@contextmanager
def _opened(path: Path, mime: str) -> Generator[InputContainer]:
    import av
    from av.error import FFmpegError

    try:
        with av.open(str(path), format=_DEMUXERS[mime], options={"protocol_whitelist": "file"}) as container:
            yield container
    except (FFmpegError, ValueError, IndexError) as error:
        message = f"The video is broken or breaks off: {_said(error)}"
        raise Unreadable(message) from error


def _check_segment(path: Path) -> None:
    """Refuse a Matroska or WebM file that is shorter than it says; its reader takes what is there for all."""
    with path.open("rb") as file:
        head = file.read(_EBML_HEAD)
    at = head.find(_SEGMENT) + len(_SEGMENT)
    if at < len(_SEGMENT) or at >= len(head) or not head[at]:
        return
    width = 9 - head[at].bit_length()
    said = int.from_bytes(head[at : at + width]) - (1 << (7 * width))
    unknown = (1 << (7 * width)) - 1
    if said != unknown and at + width + said > path.stat().st_size:
        message = "The video breaks off: its file is shorter than it says."
        raise Unreadable(message)


def _said(error: Exception) -> str:
    told = getattr(error, "strerror", None)
    return str(told) if told else "it can't be decoded"


def _moments(container: InputContainer) -> dict[int, list[float]]:
    """Return the moments of all frames of the streams of pictures, in order; the packets are counted, none decoded."""
    found: dict[int, list[float]] = {stream.index: [] for stream in container.streams.video}
    until, counted = time.monotonic() + MOST_SECONDS, 0
    for packet in container.demux(container.streams.video):
        if packet.size == 0:
            continue
        counted += 1
        if counted > MOST_FRAMES or (counted % _LOOKED_AT == 0 and time.monotonic() > until):
            message = f"It has more than {MOST_FRAMES} frames, or takes too long to go through."
            raise Unreadable(message)
        moment = packet.pts if packet.pts is not None else packet.dts
        scale = packet.time_base
        moments = found[packet.stream.index]
        moments.append(float(moment * scale) if moment is not None and scale else float(len(moments)))
    for moments in found.values():
        moments.sort()
    return found


def _stream(stream: Any, moments: Sequence[float]) -> dict[str, Any]:  # noqa: ANN401 - av's streams of several types
    context = stream.codec_context
    facts: dict[str, Any] = {
        "index": stream.index,
        "codec_type": stream.type,
        "codec": context.name if context is not None else None,
    }
    if stream.duration is not None and stream.time_base:
        facts["duration"] = float(stream.duration * stream.time_base)
    if stream.type != "video":
        return facts
    if context is None:
        message = "Its pictures are of a kind that is not known here."
        raise Unreadable(message)
    check_size(context.width, context.height)
    if stream.frames > len(moments) or not moments:
        message = f"The video breaks off: {len(moments)} of {stream.frames} frames are there."
        raise Unreadable(message)
    start = moments[0]
    facts |= {"width": context.width, "height": context.height, "frames": len(moments)}
    facts["timecodes"] = _packed([moment - start for moment in moments])
    facts.setdefault("duration", moments[-1] - start + _step(moments))
    return facts


def _step(moments: Sequence[float]) -> float:
    return (moments[-1] - moments[0]) / (len(moments) - 1) if len(moments) > 1 else 0.0


def _packed(moments: Sequence[float]) -> object:
    step = _step(moments)
    if all(abs(moment - number * step) < _EVEN for number, moment in enumerate(moments)):
        return {"start": 0.0, "step": step}
    return [round(moment, 6) for moment in moments]


def _first_frame(path: Path, mime: str) -> Any:  # noqa: ANN401 - a frame of av
    with _opened(path, mime) as container:
        for frame in container.decode(container.streams.video[0]):
            return frame
    message = "None of its frames can be decoded."
    raise Unreadable(message)


def _check_first_frame(path: Path, mime: str) -> int:
    """Decode the first frame; return by how many degrees players turn it."""
    return int(getattr(_first_frame(path, mime), "rotation", 0)) % 360
