"""Download one file: checked, resumed after a break, complete or not there at all."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from jiqa.checks import expected
from jiqa.io.digest import sha256_of_file

#: Seconds without a byte before a connection counts as lost.
TIMEOUT = 30.0
#: Connections in a row that bring nothing before it gives up.
ATTEMPTS = 3
_CHUNK = 1 << 20
_USER_AGENT = "jiqa"

#: Called with bytes so far and bytes in all (``None`` where the server does not say).
Progress = Callable[[int, int | None], None]


class DownloadError(OSError):
    """A file could not be downloaded; a partial file is kept if it can be resumed."""


class WrongHash(DownloadError):
    """The downloaded file is not the expected one; it is not kept."""


def download(
    address: str,
    path: Path,
    digest: str = "",
    progress: Progress = lambda done, total: None,
) -> str:
    """Download a file to ``path``, which exists only once it is complete and checked.

    The partial file of a broken transfer stays beside it (``.part``), and the next call
    resumes it, if the server supports that and its file is still the same.

    Args:
        address: http or https.
        path: where the file is to be.
        digest: the file's SHA-256 in hexadecimal, or how it begins; empty where that
            is not known.
        progress: called after each block.

    Returns:
        The file's SHA-256.

    Raises:
        WrongHash: the server sent another file.
        DownloadError: no network, no such file, or the connection broke off.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with _alone(part):
        _bring(address, part, progress)
        found = sha256_of_file(part)
        if not found.startswith(digest.lower()):
            _forget(part)
            wanted = f"a file whose SHA-256 begins with {digest}"
            raise WrongHash(
                expected(address, wanted, found)
                + "; the file was deleted. A proxy may have answered instead of the "
                "server, or the file has changed"
            )
        part.replace(path)
        _forget(part)
    return found


def _bring(address: str, part: Path, progress: Progress) -> None:
    """Fill ``part``, connecting again as long as each connection brings something."""
    idle = 0
    while True:
        before = _size(part)
        try:
            if _once(address, part, progress):
                return
            reason: str | Exception = "the connection was interrupted"
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 500 and error.code not in (408, 429):
                raise DownloadError(
                    f"{address}: the server answered {error.code} {error.reason}"
                ) from error
            reason = f"the server answered {error.code} {error.reason}"
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
        idle = 0 if _size(part) > before else idle + 1
        if idle >= ATTEMPTS:
            kept = _size(part)
            more = (
                f"; {kept:,} bytes are kept, run it again to continue" if kept else ""
            )
            raise DownloadError(f"{address}: the download failed ({reason}){more}")
        time.sleep(0.5 * 2**idle if idle else 0.0)


def _once(address: str, part: Path, progress: Progress) -> bool:
    """Read from one connection; return whether the file is complete now."""
    start, mark = _size(part), _mark(part)
    request = urllib.request.Request(address, headers={"User-Agent": _USER_AGENT})
    if start and mark:
        request.add_header("Range", f"bytes={start}-")
        request.add_header("If-Range", mark)
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416:
            # Nothing beyond what is here: whole already, or of another length.
            error.close()
            whole = re.fullmatch(
                r"bytes \*/(\d+)", error.headers["Content-Range"] or ""
            )
            if whole and int(whole[1]) == start:
                return True
            _forget(part)
            return False
        raise
    with answer:
        resumed = answer.status == 206 and _starts_at(answer, start)
        if answer.status == 206 and not resumed:
            _forget(part)
            return False
        if not resumed:
            start = 0
            _remember(part, answer)
        length = answer.headers["Content-Length"]
        total = start + int(length) if length else None
        with part.open("ab" if resumed else "wb") as file:
            done = start
            progress(done, total)
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                progress(done, total)
    return total is None or done == total


def _starts_at(answer: http.client.HTTPResponse, start: int) -> bool:
    span = re.match(r"bytes (\d+)-", answer.headers["Content-Range"] or "")
    return span is not None and int(span[1]) == start


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _remember(part: Path, answer: http.client.HTTPResponse) -> None:
    """Keep what distinguishes this version of the server's file from others."""
    mark = answer.headers["ETag"] or answer.headers["Last-Modified"] or ""
    # A weak tag does not promise the same bytes.
    mark = "" if mark.startswith("W/") else mark
    _note(part).write_text(json.dumps({"version": mark}))


def _mark(part: Path) -> str:
    try:
        return str(json.loads(_note(part).read_text())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Lock the file against other processes, where the system has locks."""
    try:
        import fcntl
    except ModuleNotFoundError:
        yield
        return
    lock = part.with_name(f"{part.name}.lock")
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DownloadError(f"{part}: another process is downloading it") from None
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
