"""A Redis-compatible server in pure Python.

`pyredis.testing.RedisServer` runs one inside a test; the command `pyredis-server` runs one as a process.
"""

__version__ = "0.1.0"

REDIS_VERSION = "8.2.3"
"""The Redis version whose behaviour is followed and which INFO and HELLO report."""
