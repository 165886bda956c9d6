"""``python -m jiqa`` is ``jiqa``."""

import sys

from jiqa.cli import main

if __name__ == "__main__":
    sys.exit(main())
