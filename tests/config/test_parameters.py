"""The tables against a real Redis 8.2.3: names, defaults, error texts."""

import pytest

from pyredis.config.parameter import HIDDEN, IMMUTABLE, OURS, Integer
from pyredis.config.parameters import ALL
from pyredis.config.store import Config, ConfigError

# What the fixture's command line or the machine sets, not the compiled default.
GIVEN = {"port", "bind", "dir", "enable-protected-configs"}
# The real server would do something else than parse: the oracle has no TLS (even a refused tls-port ends it),
# a locale is the machine's, and `dir` would move it.
UNTOUCHED = {"tls-port", "locale-collate", "dir"}


def ours(name, value):
    try:
        config = Config()
        config.replace("enable-protected-configs", "yes")
        config.set_many([(name.encode(), value.encode())])
    except ConfigError as error:
        return str(error)
    return None


def test_every_name_and_default(real):
    live = real.client.config_get("*")
    mine = Config().get_matching([b"*"])
    for name in GIVEN:
        live.pop(name), mine.pop(name)
    assert {k: v for k, v in live.items() if not k.startswith("tls-")} == {
        k: v for k, v in mine.items() if not k.startswith("tls-")
    }
    assert live.keys() <= mine.keys()


def test_hidden_names_answer_when_asked_for(real):
    for row in ALL:
        if row.flags & HIDDEN and not row.flags & OURS:
            assert Config().get_matching([row.name.encode()]) == real.client.config_get(row.name), row.name


def settable():
    known = [row for row in ALL if not row.flags & OURS]
    return [row for row in known if not row.name.startswith("tls-") and row.name not in UNTOUCHED]


@pytest.mark.parametrize("row", settable(), ids=lambda row: row.name)
def test_nonsense_is_refused_with_the_same_text(real, row):
    # Only values every kind but strings refuses; a string that accepts it is put back.
    strings = type(row).__name__ in ("Str", "Bind")
    if strings and not row.flags & IMMUTABLE:
        return
    for value in ("nonsense", "", "-99999999999", "99999999999999999999"):
        mine = ours(row.name, value)
        if mine is not None:
            assert mine == (real.error("CONFIG", "SET", row.name, value) or "OK"), value


@pytest.mark.parametrize("row", [r for r in settable() if isinstance(r, Integer)], ids=lambda row: row.name)
def test_bounds(real, row):
    if row.flags & IMMUTABLE:
        return
    for value in (row.low - 1, row.high + 1):
        mine = ours(row.name, str(value))
        if mine is not None:
            assert mine == real.error("CONFIG", "SET", row.name, str(value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("save", "1"),
        ("save", "0 1"),
        ("save", "900  1"),
        ("client-output-buffer-limit", "normal 1"),
        ("client-output-buffer-limit", "master 1 1 1"),
        ("client-output-buffer-limit", "normal x 1 1"),
        ("oom-score-adj-values", "1 2"),
        ("oom-score-adj-values", "1 2 2001"),
        ("notify-keyspace-events", "Q"),
        ("latency-tracking-info-percentiles", "x"),
        ("latency-tracking-info-percentiles", "101"),
        ("shutdown-on-sigterm", "save nosave"),
        ("maxmemory-clients", "101%"),
        ("maxmemory-clients", "x%"),
        ("dbfilename", "a/b"),
        ("cluster-announce-hostname", "a_b"),
        ("cluster-announce-hostname", "a" * 256),
        ("cluster-announce-human-nodename", "a!b"),
        ("proc-title-template", "{nothing}"),
        ("proc-title-template", ""),
        ("hz", "07"),
        ("hz", "+7"),
    ],
)
def test_special_errors(real, name, value):
    assert ours(name, value) is not None
    assert ours(name, value) == real.error("CONFIG", "SET", name, value)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("maxmemory-clients", ["5%", "1mb", "0"]),
        ("repl-backlog-size", ["1k", "1KB", "3g", "1mb"]),
        ("save", ["900 1 300 10", ""]),
        ("client-output-buffer-limit", ["replica 1mb 1k 5", "slave 268435456 67108864 60"]),
        ("notify-keyspace-events", ["KEA", "AKEmnoc", "gnocd", "g$lshzxetdn", "mKn", ""]),
        ("shutdown-on-sigterm", ["force NOW save", "default"]),
        ("latency-tracking-info-percentiles", ["1 50.50 99.9999999", "", "50 99 99.9"]),
        ("hz", ["0", "9999", "10"]),
        ("oom-score-adj-values", ["1 2 3", "0 200 800"]),
        ("proto-max-bulk-len", ["2mb", "512mb"]),
        ("slowlog-log-slower-than", ["-1", "10000"]),
    ],
)
def test_values_read_back_alike(real, name, values):
    config = Config()
    for value in values:
        config.set_many([(name.encode(), value.encode())])
        real.client.execute_command("CONFIG", "SET", name, value)
        assert config.get_matching([name.encode()]) == real.client.config_get(name)
