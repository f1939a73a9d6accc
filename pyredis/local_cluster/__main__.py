"""`python -m pyredis.local_cluster` is `pyredis-cluster`."""

import sys

from pyredis.local_cluster.launcher import main

if __name__ == "__main__":
    sys.exit(main())
