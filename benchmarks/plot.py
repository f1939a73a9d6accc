"""The ratios to redis-server as bars: throughput above, CPU a command below, a column a pipeline depth.

Needs matplotlib (the extra `benchmark`); where it is missing, ModuleNotFoundError says so.
"""

from pathlib import Path

from benchmarks.ratios import REFERENCE, Key, Samples, ratio_to

ROWS = (
    ("rps", "throughput / redis-server (higher is better)"),
    ("cpu_us", "CPU a command / redis-server (lower is better)"),
)


def draw(samples: Samples, path: Path) -> None:
    """Write the PNG. Bars start at 1; the scale is logarithmic: fakeredis is two orders of magnitude away."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    pipelines = sorted({key.pipeline for key in samples})
    tests = list(dict.fromkeys(key.test for key in samples))
    servers = list(dict.fromkeys(key.server for key in samples if key.server != REFERENCE))
    size = (max(4.0, 0.8 * len(tests)) * len(pipelines), 8)
    figure, grid = pyplot.subplots(2, len(pipelines), figsize=size, squeeze=False, sharey="row")
    for row, (metric, label) in enumerate(ROWS):
        for column, pipeline in enumerate(pipelines):
            axes = grid[row][column]
            width = 0.8 / max(len(servers), 1)
            for index, server in enumerate(servers):
                bars = _bars(samples, pipeline, tests, server, metric)
                heights = [value - 1 for value in bars.values()]
                axes.bar([x + index * width for x in bars], heights, width, bottom=1, label=server)
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
            low, high = axes.get_ylim()
            axes.yaxis.set_minor_formatter("{x:g}" if high / low < 10 else ticker.NullFormatter())
            axes.axhline(1, color="black", linewidth=0.8)
            axes.set_xticks([x + 0.4 - width / 2 for x in range(len(tests))], tests, rotation=45, ha="right")
            axes.set_title(f"pipeline {pipeline}")
        grid[row][0].set_ylabel(label)
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="upper center", ncols=4)
    figure.tight_layout(rect=(0, 0, 1, 0.96))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _bars(samples: Samples, pipeline: int, tests: list[str], server: str, metric: str) -> dict[int, float]:
    """Position of the test to height, for the tests that were measured."""
    keys = {index: Key(pipeline, test, server) for index, test in enumerate(tests)}
    heights = {x: ratio_to(samples, key, REFERENCE, metric) for x, key in keys.items() if key in samples}
    return {x: height for x, height in heights.items() if height is not None}
