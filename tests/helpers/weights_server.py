"""A local server that can fail as real ones do."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

CONTENT = np.random.default_rng(1).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves files from memory, as well or as badly as it is told.

    Attributes:
        files: content by path.
        ranges: whether it answers to Range.
        tag: the version that it states, if any.
        cuts: after how many bytes to break off, one answer each.
        codes: with which status to answer, one answer each.
        requests: headers of the requests so far, by path.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {"/w.pth": CONTENT}
        self.ranges = True
        self.tag = '"one"'
        self.cuts: list[int] = []
        self.codes: list[int] = []
        self.requests: list[tuple[str, dict[str, str]]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def asked(self) -> list[str]:
        """The ranges asked for."""
        return [headers.get("Range", "") for _, headers in self.requests]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.requests.append((self.path, dict(self.headers)))
        if server.codes:
            return self.send_error(server.codes.pop(0))
        if self.path not in server.files:
            return self.send_error(404)
        content, start, status = server.files[self.path], 0, 200
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        same = self.headers["If-Range"] in (None, server.tag)
        if asked and server.ranges and same:
            start, status = int(asked[1]), 206
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
        self.send_response(status)
        if status == 206:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", span)
        if server.tag:
            self.send_header("ETag", server.tag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body = content[start:]
        if server.cuts:
            body = body[: server.cuts.pop(0)]
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


def left(folder: Path) -> list[str]:
    """Names of what a folder holds."""
    return sorted(path.name for path in folder.iterdir())


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server that runs."""
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()
