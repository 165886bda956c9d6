"""``python -m weights_convert NAME SRC`` is ``jiqa weights convert NAME SRC``."""

import sys

from jiqa.cli import main

if __name__ == "__main__":
    sys.exit(main(["weights", "convert", *sys.argv[1:]]))
