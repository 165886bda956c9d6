"""Files that are written whole or not at all.

A file is written under a name of its own in the same folder and then renamed, which
every file system does in one step. Whoever reads meanwhile sees the old file or the new
one; several processes may write the same file, and the last one wins.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

#: Characters of a file's name in that of its draft: a name has at most 255 bytes.
_NAME = 40


@contextlib.contextmanager
def replacing(path: Path | str, *, sole_writer: bool = False) -> Iterator[Path]:
    """A path to write to, which is renamed to ``path`` at the end of the block.

    An error in the block deletes the draft and leaves ``path`` as it was. The draft's
    name starts with a dot and ends in ``.part``, whatever the format: libraries that
    go by the suffix need the format as an argument.

    Args:
        path: where the file is to be. Its folder is made if it is missing; a link to a
            file stays a link.
        sole_writer: whether no one else writes this file at the same time. Its draft
            then has one name, so that the next run writes over what a killed one left.

    Yields:
        The draft's path, where no file is yet.
    """
    path = Path(path)
    if path.is_symlink():
        path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.name
    if not sole_writer:  # in any process, and on any host of a shared disk
        name = f"{name[:_NAME]}.{secrets.token_hex(6)}"
    draft = path.with_name(f".{name}.part")
    try:
        yield draft
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write a file whole or not at all; see ``replacing``."""
    with replacing(path) as draft:
        draft.write_bytes(data)


def write_text(path: Path | str, text: str, errors: str = "strict") -> None:
    """Write a text file in UTF-8 whole or not at all; see ``replacing``.

    Line ends are those of ``text`` on every system.

    Args:
        path: where the file is to be.
        text: its content.
        errors: what becomes of characters that UTF-8 does not have, as ``str.encode``
            takes it; ``"surrogateescape"`` for file names that are not valid text.
    """
    write_bytes(path, text.encode("utf-8", errors))
