"""Set-up of JAX that several subcommands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jiqa.checks import expected
from jiqa.io.cache import cache_folder, can_write, is_temporary

if TYPE_CHECKING:
    from jiqa.distributed import Rank


def configure_jax(*, x64: bool = False, cache: bool = True) -> Path | None:
    """Set precision, and keep compiled programs between runs.

    Only the command line does this; the library leaves JAX's settings to its user.

    Returns:
        The folder for traced programs; ``None`` without a cache.
    """
    import jax

    if x64:
        jax.config.update("jax_enable_x64", True)
    if not cache or not can_write(cache_folder()) or is_temporary(cache_folder()):
        return None
    jax.config.update("jax_compilation_cache_dir", str(cache_folder("xla")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    return cache_folder("programs")


def divide_host(count: int) -> None:
    """Make ``count`` devices of this computer's cores; before anything is computed.

    Each has its part of the batch. An update of VGG-16 took as long on two devices of
    two cores as on one, of MobileNet longer.

    Raises:
        UsageError: fewer than one, or devices that are there already.
    """
    import jax

    from jiqa.errors import UsageError

    if count < 1:
        raise UsageError(expected("--host-devices", "1 or more", f"{count}"))
    try:
        jax.config.update("jax_num_cpu_devices", count)
    except RuntimeError:
        present = jax.device_count("cpu")
        message = f"--host-devices {count}: this process already has {present} devices"
        raise UsageError(message) from None


def join_processes(arguments: argparse.Namespace) -> Rank:
    """Join the other processes, if there are any; before anything is computed.

    Returns:
        This process's rank.

    Raises:
        UsageError: incomplete arguments to find them.
    """
    from jiqa.distributed import Rank, join
    from jiqa.errors import UsageError

    cluster = (arguments.coordinator, arguments.process, arguments.processes)
    given = [value is not None for value in cluster]
    if any(given) and not all(given):
        raise UsageError("give --coordinator, --process and --processes together")
    if all(given) or arguments.distributed:
        return join(*cluster)
    return Rank()
