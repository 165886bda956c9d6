"""Make the picture at the top of the README: the upper part of jiqa demo's page.

    jiqa demo --output page.html
    python scripts/maintenance/report_picture.py page.html scripts/results/report.png

Needs Chromium. Paths of the machine that the page was made on are left out.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from jiqa.cli.common.parser import script_parser
from jiqa.cli.demo import SAMPLE

#: Width and height of the picture in pixels.
SIZE = 1100, 900
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def main() -> None:
    """Draw the page."""
    parser = script_parser(__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    browser = next(filter(None, map(shutil.which, _NAMES)), None)
    if browser is None:
        parser.error(f"expected one of {', '.join(_NAMES)} to be installed")
    text = arguments.page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        page, drawn = Path(folder) / "page.html", Path(folder) / "page.png"
        page.write_text(text.replace(str(SAMPLE), "jiqa/sample"), encoding="utf-8")
        command = [browser, "--headless", "--no-sandbox", "--hide-scrollbars"]
        command += [f"--window-size={SIZE[0]},{SIZE[1]}", f"--screenshot={drawn}"]
        subprocess.run([*command, page.as_uri()], check=True, capture_output=True)
        with Image.open(drawn) as image:
            # A palette is a fifth of the size, and enough for a page.
            image.convert("RGB").quantize(128).save(arguments.picture, optimize=True)
    print(f"{arguments.picture}: {arguments.picture.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
