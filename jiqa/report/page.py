"""Pages from templates, with the facts about how they were made."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jiqa.io.atomic import write_text
from jiqa.version import __version__


def write_page(path: Path, template: str, **values: Any) -> None:
    """Render a template of this folder, all values escaped, into a file.

    Args:
        path: file to write; its folder is made if it is missing.
        template: name of the template.
        **values: what the template shows, besides ``made`` and ``system``.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(template).render(
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        system=_system(),
        **values,
    )
    # A file name may hold bytes that are no text.
    write_text(path, page, errors="replace")


def _system() -> str:
    import jax

    device = jax.devices()[0]
    return (
        f"jiqa {__version__}, JAX {jax.__version__} on {device.device_kind}, Python "
        f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    )
