"""The command `slalom` with lanes in its own process: to kill it often, without Ray's start each time."""

import sys

from slalom import wiring
from slalom.cli.main import main

if __name__ == "__main__":
    wiring.ray_lanes = lambda spec, address=None: wiring.local_lanes(spec)
    sys.exit(main())
