import contextlib
import os
import threading

import pytest

from pyredis.persistence.child_pipe import ChildPipe, write_gathered


class Output:
    def __init__(self, room=1 << 30):
        self.room, self.pieces = room, []

    def wants(self):
        return len(self.pieces) < self.room

    def take(self, data):
        self.pieces.append(data)


@pytest.fixture
def pipe():
    pipe = ChildPipe()
    yield pipe
    pipe.close()
    with contextlib.suppress(OSError):
        os.close(pipe.writing)


def test_what_is_there_is_passed_on_and_the_end_is_seen(pipe):
    output = Output()
    assert (pipe.drain(output), output.pieces, pipe.at_end) == (False, [], False)
    write_gathered(pipe.writing, [b"a", b"b"])
    assert (pipe.drain(output), output.pieces, pipe.at_end) == (True, [b"ab"], False)
    pipe.let_child_write()
    pipe.drain(output)
    assert (output.pieces, pipe.at_end) == ([b"ab"], True)
    assert pipe.drain(output) is False


def test_only_what_is_wanted_is_read(pipe):
    write_gathered(pipe.writing, [b"x" * 600_000])
    output = Output(room=1)
    assert pipe.drain(output)
    assert len(output.pieces) == 1
    assert not pipe.drain(output)
    output.room = 100
    pipe.drain(output)
    assert sum(map(len, output.pieces)) == 600_000


def test_more_than_the_pipe_holds_arrives_whole(pipe):
    chunks = [bytes([number % 256]) * (number % 5000) for number in range(3000)]

    def write():
        write_gathered(pipe.writing, chunks)
        pipe.let_child_write()

    writer, output = threading.Thread(target=write), Output()
    writer.start()
    while not pipe.at_end:
        pipe.drain(output)
    writer.join()
    assert b"".join(output.pieces) == b"".join(chunks)


def test_small_chunks_are_worth_a_call(pipe, monkeypatch):
    written = []
    monkeypatch.setattr(os, "write", lambda file, data: written.append(len(data)) or len(data))
    write_gathered(pipe.writing, [b"x" * 100] * 10_000)
    assert sum(written) == 1_000_000
    assert len(written) <= 16


def test_a_child_that_writes_to_nobody_is_told():
    pipe = ChildPipe()
    pipe.close()
    with pytest.raises(BrokenPipeError):
        write_gathered(pipe.writing, [b"x"])
    os.close(pipe.writing)
