"""Redis servers for tests: one on real sockets, or many in a simulation; and a clock that the test may move."""

from pyredis.testing.redis_server import RedisServer
from pyredis.testing.simulation import Caller, Simulation

__all__ = ["Caller", "RedisServer", "Simulation"]
