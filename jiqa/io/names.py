"""File names as they are compared and shown: names are bytes, tables hold text.

One name has several forms: macOS writes ``é`` in archives as two characters, Windows
and Linux as one; and a name that is no UTF-8 comes as text that cannot be encoded.
"""

from __future__ import annotations

import codecs
import os
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

#: The ``errors`` of a stream that takes every name: its bytes as they are, escapes for
#: letters that the stream's encoding lacks. Who reads the stream back gets escapes, and
#: so text that can be passed on.
ANY_NAME = "jiqa_any_name"


def composed(name: str) -> str:
    """A name in Unicode's composed form: the same name is then the same text."""
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """A composed name without regard to capitals."""
    return composed(composed(name).casefold())


def as_text(name: str) -> str:
    r"""A name that can be encoded: bytes that are no UTF-8 become ``\xe9``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def below_common_folder(paths: Sequence[str]) -> tuple[list[str], str]:
    """Paths below the folder that they have in common, and that folder.

    The folder is empty where there is none, and ``.`` of names alone.
    """
    if len({Path(p).parent for p in paths}) == 1:
        return [Path(p).name for p in paths], str(Path(paths[0]).parent)
    try:
        folder = os.path.commonpath(paths)
    except ValueError:  # absolute and relative paths, several drives, or no paths
        return list(paths), ""
    return [os.path.relpath(p, folder) if folder else p for p in paths], folder


def find_file(folder: Path, name: str) -> Path | None:
    """The file that a table names, in whatever form it lies in a folder.

    Tried in turn: the name as written; with ``/`` for a backslash; composed and
    decomposed; and as the bytes of Windows-1252, which a table that has them was
    decoded from.

    Args:
        folder: that the name is relative to.
        name: a path as a table has it.
    """
    for form in _forms(name):
        try:
            if (folder / form).exists():
                return folder / form
        except (OSError, ValueError):  # too long, or with a zero byte: no name
            continue
    return None


def _forms(name: str) -> Iterator[str]:
    for text in dict.fromkeys((name, name.replace("\\", "/"))):
        yield text
        if not text.isascii():
            yield composed(text)
            yield unicodedata.normalize("NFD", text)
            try:
                yield os.fsdecode(text.encode("cp1252"))
            except UnicodeEncodeError:
                continue


def _any_name(error: UnicodeError) -> tuple[str | bytes, int]:
    """Encode bytes of a name as they are, and what the encoding lacks as an escape."""
    if not isinstance(error, UnicodeEncodeError):
        return codecs.lookup_error("backslashreplace")(error)
    end = error.start + 1
    one = UnicodeEncodeError(
        error.encoding, error.object, error.start, end, error.reason
    )
    of_a_name = "\udc80" <= error.object[error.start] <= "\udcff"
    handler = "surrogateescape" if of_a_name else "backslashreplace"
    return codecs.lookup_error(handler)(one)


codecs.register_error(ANY_NAME, _any_name)
