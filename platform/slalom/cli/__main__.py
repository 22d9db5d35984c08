"""`python -m slalom.cli`: the command `slalom`, where it is not on the path."""

import sys

from slalom.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
