"""Memory reuse for long computations on the CPU.

XLA asks for the room of all intermediate maps at every call of a program and gives it
back at its end, and glibc hands so large a block back to the system at once: an update
of VGG-16 then waits for 2.5 GB of new pages, 4 kB at a time.
"""

from __future__ import annotations

import ctypes
import functools
import sys

from jiqa.io.machine_memory import half_of_memory

#: Of malloc.h and of sys/mman.h.
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
_HUGE_PAGES = 14
#: What Linux takes for a huge page on nearly every machine.
_LARGE = 2**21


@functools.cache
def keep_memory() -> bool:
    """Let this process keep what it frees, in huge pages; on Linux with glibc.

    Pieces of all sizes then come from one heap that never shrinks. Half of the
    machine's memory is set aside as addresses; a page is taken when it is first used.

    Returns:
        Whether it was done; elsewhere nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):  # musl has none
        return False
    settings = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, -1), (_ARENA_MAX, 1))
    if not all([libc.mallopt(*setting) for setting in settings]):
        return False
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    size = half_of_memory()
    start = libc.malloc(size) if size else None
    if (
        not size or start is None
    ):  # less is allowed here; what is freed is kept all the same
        return True
    libc.free(start)
    first = -(-start // _LARGE) * _LARGE
    libc.madvise(first, (start + size - first) // _LARGE * _LARGE, _HUGE_PAGES)
    return True
