"""Several processes that write to one disk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import jax


def wait(what: str) -> None:
    """Go on once every process has come here."""
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(what)


@contextlib.contextmanager
def one_by_one(what: str) -> Iterator[None]:
    """First the first process, and then, finding what it has done, all others."""
    if jax.process_index() != 0:
        wait(what)
    yield
    if jax.process_index() == 0:
        wait(what)
