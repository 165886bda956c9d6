"""How much memory is free, for what would otherwise be killed."""

from __future__ import annotations

from pathlib import Path

import jax

from jiqa.io.machine_memory import half_of_memory

#: Limit and use of a container's memory: of cgroups in their second and first version.
_GROUPS = (
    ("memory.max", "memory.current", "memory.stat"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
    ),
)


def free_bytes(
    system: Path = Path("/proc/meminfo"), groups: Path = Path("/sys/fs/cgroup")
) -> int | None:
    """Return the bytes that are free on this process's devices, on the fullest of them.

    Of the CPU it is what the system can give without swapping, and what a container's
    limit leaves.

    Args:
        system: the file in which Linux says how much is there.
        groups: the folder of the limits.

    Returns:
        ``None`` where it cannot be found out.
    """
    if jax.default_backend() != "cpu":
        stats = [device.memory_stats() or {} for device in jax.local_devices()]
        free = [
            s["bytes_limit"] - s["bytes_in_use"] for s in stats if "bytes_limit" in s
        ]
        return min(free, default=None)
    found = [_of_system(system), *(_of_group(groups, names) for names in _GROUPS)]
    return min((n for n in found if n is not None), default=None)


def _of_system(path: Path) -> int | None:
    try:
        for line in path.read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return half_of_memory()  # the other half may well be in use


def _of_group(folder: Path, names: tuple[str, str, str]) -> int | None:
    limit, used, statistics = (folder / name for name in names)
    try:
        most, taken = int(limit.read_text()), int(used.read_text())
        lines = [line.split() for line in statistics.read_text().splitlines()]
    except (OSError, ValueError):
        return None  # no such group, or "max": no limit
    # Files that are only kept in memory give way.
    kept = sum(int(n) for name, n in lines if name.endswith("inactive_file"))
    return max(0, most - taken + kept)
