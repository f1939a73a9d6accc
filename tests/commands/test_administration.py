"""INFO, TIME, ROLE, LASTSAVE, LOLWUT and SHUTDOWN."""

import pytest

import pyredis
from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.execution import gates
from pyredis.engine.execution.run import run
from pyredis.engine.observability.server_info import human
from pyredis.engine.roster import Clients


class Session:
    """An engine whose clock stands still, and a client."""

    def __init__(self):
        self.clock = ManualClock(1_700_000_000_000)
        self.engine = build_engine(clock=self.clock, seed=1)
        self.client = self.engine[Clients].connect()

    def __call__(self, *words):
        self.engine.tick()
        run(self.engine, self.client, [[word.encode() for word in words]])
        reply = b"".join(self.client.out)
        self.client.out.clear()
        return reply

    def info(self, *sections):
        return fields(self("INFO", *sections))


@pytest.fixture
def session():
    return Session()


def fields(reply):
    lines = reply.decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)


def titles(reply):
    return [line for line in reply.decode().split("\r\n") if line.startswith("# ")]


@pytest.mark.parametrize(
    "sections",
    [
        (),
        ("default",),
        ("all",),
        ("everything",),
        ("ALL",),
        ("server",),
        ("CPU", "server"),
        ("commandstats",),
        ("default", "latencystats"),
        ("nosuch",),
        ("nosuch", "keyspace"),
        ("",),
    ],
)
def test_which_sections_are_shown(both, sections):
    ours, real = both.replies("INFO", *sections)
    assert titles(ours) == titles(real)
    assert ours[:1] == real[:1]


OURS = ("server_name", "pyredis_version", "python_version")
DATA = ("errorstat_", "db")


def test_fields_and_their_order_are_the_real_ones(both):
    ours, real = (fields(reply[reply.index(b"# Server") :]) for reply in both.replies("INFO"))
    kept = [name for name in real if not name.startswith(DATA)]
    assert [name for name in ours if name not in OURS and not name.startswith(DATA)] == kept


def test_who_it_is(session):
    shown = session.info("server")
    assert shown["redis_version"] == pyredis.REDIS_VERSION
    assert (shown["server_name"], shown["pyredis_version"]) == ("pyredis", pyredis.__version__)
    assert len(shown["run_id"]) == 40


def test_uptime_follows_the_clock(session):
    session.clock.advance(90_000_500)
    shown = session.info("server")
    assert (shown["uptime_in_seconds"], shown["uptime_in_days"]) == ("90000", "1")
    assert shown["server_time_usec"] == "1700090000500000"


def test_listeners_are_told(session):
    assert session.info("server")["listener0"] == "name=tcp,bind=*,bind=-::*,port=6379"
    session("CONFIG", "SET", "bind", "127.0.0.1")
    assert session.info("server")["listener0"] == "name=tcp,bind=127.0.0.1,port=6379"


def test_counters(session):
    for words in (("SET", "k", "v"), ("GET", "k"), ("GET", "none"), ("NOSUCH",), ("GET",), ("INCR", "k")):
        session(*words)
    shown = session.info("all")
    assert (shown["keyspace_hits"], shown["keyspace_misses"]) == ("1", "1")
    assert shown["total_error_replies"] == "3"
    assert shown["errorstat_ERR"] == "count=3"
    assert shown["rdb_changes_since_last_save"] == "1"
    assert shown["cmdstat_get"].startswith("calls=2,") and shown["cmdstat_get"].endswith(
        "rejected_calls=1,failed_calls=0"
    )
    assert shown["cmdstat_incr"].endswith("rejected_calls=0,failed_calls=1")
    assert "cmdstat_append" not in shown
    assert shown["latency_percentiles_usec_set"] == "p50=1.023,p99=1.023,p99.9=1.023"  # the clock stands still


def test_error_codes_are_bounded(session):
    for number in range(128):
        session.engine.stats.count_error(b"E%d text" % number)
    assert len(session.info("errorstats")) == 128
    for number in (1, 128, 129, 1):
        session.engine.stats.count_error(b"E%d text" % number)
    assert session.info("errorstats") == {"errorstat_ERRORSTATS_DISABLED": "count=1"}
    assert session.info("stats")["total_error_replies"] == "132"
    session("CONFIG", "RESETSTAT")
    session("NOSUCH")
    assert session.info("errorstats") == {"errorstat_ERR": "count=1"}


def test_subcommands_have_stats_of_their_own(session):
    session("CONFIG", "GET", "hz")
    shown = session.info("commandstats")
    assert "cmdstat_config|get" in shown and "cmdstat_config" not in shown


def test_latency_tracking_can_be_off(session):
    session("SET", "k", "v")
    session("CONFIG", "SET", "latency-tracking-info-percentiles", "50 75.5")
    assert session.info("latencystats")["latency_percentiles_usec_set"] == "p50=1.023,p75.5=1.023"
    session("CONFIG", "SET", "latency-tracking", "no")
    assert session.info("latencystats") == {}


def test_keyspace_counts_keys_and_expiries(session):
    session("SET", "a", "1", "PX", "1000")
    session("SET", "b", "1", "PX", "3000")
    session("SET", "c", "1")
    assert session.info("keyspace") == {"db0": "keys=3,expires=2,avg_ttl=2000,subexpiry=0"}


def test_memory_peak_never_falls_below_use(session):
    shown = session.info("memory")
    assert int(shown["used_memory_peak"]) >= int(shown["used_memory"]) >= int(shown["used_memory_startup"])
    assert int(shown["used_memory_dataset"]) == int(shown["used_memory"]) - int(shown["used_memory_overhead"])


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (1023, "1023B"), (1024, "1.00K"), (718768, "701.92K"), (25276514304, "23.54G")],
)
def test_sizes_for_people(size, text):
    assert human(size) == text


def test_loading_is_told(session):
    assert session.info("persistence")["loading"] == "0"
    session.engine.gates |= gates.LOADING
    assert session.info("persistence")["loading"] == "1"


def test_time_is_the_clocks(session):
    session.clock.advance(1.5)
    assert session("TIME") == b"*2\r\n$10\r\n1700000000\r\n$4\r\n1500\r\n"


def test_lastsave_is_the_start_while_nothing_was_saved(session):
    session.clock.advance(5000)
    assert session("LASTSAVE") == b":1700000000\r\n"


@pytest.mark.parametrize(
    "words",
    [
        ("ROLE",),
        ("ROLE", "x"),
        ("TIME", "x"),
        ("LASTSAVE", "x"),
        ("LOLWUT", "VERSION", "7"),
        ("LOLWUT", "VERSION", "x"),
        ("SHUTDOWN", "ABORT"),
        ("SHUTDOWN", "abort", "NOW"),
        ("SHUTDOWN", "SAVE", "NOSAVE"),
        ("SHUTDOWN", "nosuch"),
    ],
)
def test_replies(both, words):
    both(*words)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ((), {"save": None, "now": False, "force": False}),
        (("NOSAVE",), {"save": False, "now": False, "force": False}),
        (("save", "Now", "FORCE"), {"save": True, "now": True, "force": True}),
    ],
)
def test_shutdown_asks_the_process(session, words, asked):
    calls = []
    session.engine.on_shutdown = lambda **options: calls.append(options) or True
    assert session("SHUTDOWN", *words) == b""
    assert calls == [asked]


def test_shutdown_without_a_process_fails(session):
    assert session("SHUTDOWN") == b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n"


def test_shutdown_is_no_part_of_a_transaction(session):
    session("MULTI")
    assert session("SHUTDOWN") == b"-ERR Command not allowed inside a transaction\r\n"
