import os

from slalom_worker.environment import LANE_ENVIRONMENT

# Read by MKL at its first product, which may be any test's.
os.environ.update(LANE_ENVIRONMENT)
