"""What INFO tells of the event loop."""

from pyredis.testing import RedisServer
from tests.oracle import RawClient, wait_for


def fields(client, section):
    lines = client.ask("INFO", section).decode().split("\r\n")
    return {name: int(value) for name, _, value in (line.partition(":") for line in lines) if name.startswith("event")}


def test_passes_and_their_time_grow():
    with RedisServer() as server:
        client = RawClient(server.port)
        before = fields(client, "stats")
        client.ask("PING")
        after = fields(client, "stats")
        assert before["eventloop_cycles"] < after["eventloop_cycles"]
        assert before["eventloop_duration_sum"] <= after["eventloop_duration_sum"]
        wait_for(lambda: fields(client, "debug")["eventloop_duration_cron_sum"] > 0)
        assert fields(client, "debug")["eventloop_cmd_per_cycle_max"] == 1
        client.close()


def test_only_its_name_shows_the_debug_section():
    with RedisServer() as server:
        client = RawClient(server.port)
        for section in ("default", "all", "everything"):
            assert b"eventloop_duration_max" not in client.ask("INFO", section)
        client.close()
