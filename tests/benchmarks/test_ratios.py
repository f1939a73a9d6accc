import math

import pytest

from benchmarks.load import Sample
from benchmarks.ratios import Key, mean, medians, ratio, ratio_to, summarize
from benchmarks.report import summary_lines, table


def samples(*rps: float, cpu: float = 2.0) -> list[Sample]:
    return [Sample(value, 0.5, 1.0, cpu) for value in rps]


RUN = {
    Key(1, "set", "redis"): samples(100, 200, 400, cpu=1.0),
    Key(1, "set", "pyredis"): samples(50, 100, 200),
    Key(1, "set", "fakeredis"): samples(5, 10, 20),
    Key(1, "get", "redis"): samples(100, 100, 100, cpu=1.0),
    Key(1, "get", "pyredis"): samples(200, 200, 200, cpu=8.0),
}


def test_medians_are_taken_for_each_metric_alone():
    runs = [Sample(1, 9, 5, 3), Sample(2, 8, 7, 1), Sample(3, 7, 6, 2)]
    assert medians(runs) == {"rps": 2, "p50_ms": 8, "p99_ms": 6, "cpu_us": 2}


def test_ratio_is_the_median_of_the_rounds_ratios_so_that_drift_cancels():
    assert ratio(samples(50, 100, 1000), samples(100, 200, 400), "rps") == 0.5


def test_ratio_of_what_cannot_be_compared_is_absent():
    assert ratio(samples(1.0), samples(0.0), "rps") is None
    assert ratio([Sample(1, 1, 1, math.nan)], samples(1.0), "cpu_us") is None
    assert ratio_to(RUN, Key(1, "get", "pyredis"), "fakeredis", "rps") is None


def test_mean_is_geometric_over_what_is_there():
    assert mean([0.5, None, 2.0]) == pytest.approx(1.0)
    assert mean([]) is None
    assert mean([None]) is None


def test_summary_has_means_minimum_cpu_and_the_multiple_of_fakeredis():
    pyredis, fakeredis = summarize(RUN)
    assert (pyredis.pipeline, pyredis.server, pyredis.tests) == (1, "pyredis", 2)
    assert pyredis.throughput == pytest.approx(1.0)  # 0.5 and 2
    assert pyredis.lowest == (0.5, "set")
    assert pyredis.cpu == pytest.approx(4.0)  # 2 and 8
    assert pyredis.to_fakeredis == pytest.approx(10.0)  # of the one test both ran
    assert (fakeredis.server, fakeredis.to_fakeredis) == ("fakeredis", None)


def test_summary_without_the_reference():
    [summary] = summarize({Key(1, "set", "bare"): samples(1, 2, 3)})
    assert (summary.throughput, summary.lowest) == (None, None)
    assert "nothing to compare" in summary_lines({Key(1, "set", "bare"): samples(1, 2, 3)})


def test_table_shows_figures_with_ratios_and_groups_by_pipeline_and_test():
    lines = table(RUN).splitlines()
    metrics = ("req/s", "p50 ms", "p99 ms", "CPU µs")
    assert lines[0].split() == ["pipe", "test", "server", *" /redis ".join([*metrics, ""]).split()]
    assert lines[1].split() == ["1", "set", "redis", "200", "0.500", "1.000", "1.00"]
    assert lines[2].split() == [
        "1",
        "set",
        "pyredis",
        "100",
        "0.50x",
        "0.500",
        "1.00x",
        "1.000",
        "1.00x",
        "2.00",
        "2.00x",
    ]
    assert lines[4] == ""


def test_summary_line_reads_as_a_sentence():
    line = summary_lines(RUN).splitlines()[0]
    assert "throughput 1.00x of redis-server (lowest 0.50x set), CPU a command 4.00x, 2 tests" in line
    assert line.endswith("throughput 10.00x of fakeredis")


MIXED = {
    Key(16, "set", "redis"): samples(100, 100, 100),
    Key(16, "set", "bare"): samples(200, 200, 200, cpu=1.0),
    Key(16, "set", "pyredis"): samples(50, 50, 50),
    Key(16, "set_get", "redis"): samples(100, 100, 100),
    Key(16, "set_get", "bare"): samples(100, 100, 100, cpu=4.0),
    Key(16, "set_get", "pyredis"): samples(80, 80, 80),
}


def test_ratios_to_redis_and_bare_stand_beside_each_other():
    lines = table(MIXED).splitlines()
    assert lines[0].split()[3:6] == ["req/s", "/redis", "/bare"]
    assert lines[1].split()[2:5] == ["redis", "100", "0.50x"]
    assert lines[3].split()[2:6] == ["pyredis", "50", "0.50x", "0.25x"]
    assert lines[3].split()[-3:] == ["2.00", "1.00x", "2.00x"]


def test_mixes_have_a_summary_of_their_own():
    told = [line for line in summary_lines(MIXED).splitlines() if line.startswith("pyredis")]
    assert "throughput 0.50x of redis-server" in told[0]
    assert "mixed: throughput 0.80x of redis-server" in told[1]
    assert told[1].endswith("throughput 0.80x and CPU 0.50x of bare")
