from argparse import ArgumentTypeError

import pytest

from benchmarks import load, mixed

HEAD = (
    '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms",'
    '"max_latency_ms"\n'
)


def test_csv_rows_are_read_by_column_name():
    text = HEAD + '"SET","455272.72","1.439","0.568","1.191","3.375","3.599","3.671"\n'
    [(name, sample)] = load.parse_csv(text)
    assert name == "SET"
    assert (sample.rps, sample.p50_ms, sample.p99_ms) == (455272.72, 1.191, 3.599)


def test_csv_title_with_a_comma_and_brackets():
    text = HEAD + '"LRANGE_100 (first 100, of many)","200320.00","2.9","0.4","2.7","5.0","5.8","6.1"\n'
    assert load.parse_csv(text)[0][0] == "LRANGE_100 (first 100, of many)"


def test_csv_warnings_are_left_out():
    row = '"GET","10.0","1","1","1","1","2","3"\n'
    text = "WARNING: Could not fetch server CONFIG\n" + HEAD + row + "\n"
    assert [name for name, _ in load.parse_csv(text)] == ["GET"]


def test_csv_without_rows():
    assert load.parse_csv(HEAD) == []
    assert load.parse_csv("") == []


@pytest.mark.parametrize(
    ("rps", "seconds", "pipeline", "requests"),
    [
        (10_000, 1.0, 1, 10_000),
        (10_000, 0.5, 16, 5008),
        (10, 1.0, 1, load.MIN_REQUESTS),
        (1e9, 1.0, 100, load.MAX_REQUESTS),
    ],
)
def test_requests_last_as_long_as_wanted_within_bounds(rps, seconds, pipeline, requests):
    assert load.requests_for(rps, seconds, pipeline) == requests


def test_a_probe_grows_until_it_took_long_enough():
    assert load.next_probe(1000, 1_000_000, 1) == 10_000
    assert load.next_probe(10_000, 1_000_000, 1) == 100_000
    assert load.next_probe(10_000, 90_000, 16) is None
    assert load.next_probe(9999, 100_000, 16) == 15_008


def test_names_of_tests():
    assert load.test_names("set,lrange_100") == ["set", "lrange_100"]
    assert load.test_names("all") == [*load.ALL_TESTS, *mixed.MIXES]
    with pytest.raises(ArgumentTypeError, match="sett"):
        load.test_names("sett")


def test_every_default_and_feeder_is_a_test():
    assert {*load.DEFAULT_TESTS, *load.FEEDER, *load.FEEDER.values()} <= {*load.ALL_TESTS, *mixed.MIXES}


def test_mixes_run_at_one_depth_and_not_on_fakeredis():
    assert [depth for depth in (1, 16, 100) if load.runs_at("mixed_six", depth, "redis")] == [16]
    assert not load.runs_at("set_get", 16, "fakeredis")
    assert load.runs_at("set", 1, "fakeredis")
