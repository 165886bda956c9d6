"""What the library refuses, as a wrong use of the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def mistakes() -> Iterator[None]:
    """Raise ``ValueError`` and ``FileNotFoundError`` as ``UsageError``."""
    from jiqa.errors import UsageError

    try:
        yield
    except (ValueError, FileNotFoundError) as error:
        raise UsageError(str(error)) from None
