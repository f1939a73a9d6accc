"""Redis servers for tests: real sockets, no process, no shared state, and a clock that the test may move."""

from pyredis.testing.redis_server import RedisServer

__all__ = ["RedisServer"]
