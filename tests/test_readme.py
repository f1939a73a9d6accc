"""What README shows of Python runs as it stands there."""

import re
from pathlib import Path

import pytest
import redis

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "pyredis" in block]
"""The others need a server that was started by hand."""


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_runs(block):
    names = {"redis": redis}
    exec(block, names)
    for name, function in list(names.items()):
        if name.startswith("test_"):
            function()


def test_there_are_blocks():
    assert len(BLOCKS) >= 3
