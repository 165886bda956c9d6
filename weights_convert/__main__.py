"""``python -m weights_convert NAME SRC DST``; see ``weights_convert.command``."""

import sys

from weights_convert.command import main

if __name__ == "__main__":
    sys.exit(main())
