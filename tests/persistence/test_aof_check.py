"""pyredis-check-aof says and does what redis-check-aof does."""

import io
import shutil
import subprocess

import pytest

from pyredis.check_aof import main
from pyredis.protocol.encoder import encode_command
from tests.persistence.engines import engine_on
from tests.persistence.test_dataset_loading import get, snapshot

SET = encode_command((b"set", b"foo", b"hello"))
MULTI, EXEC = encode_command((b"multi",)), encode_command((b"exec",))
FILES = {
    "whole": SET,
    "empty": b"",
    "short": SET + SET[:-1],
    "no command": SET + b"!!!",
    "no number": b"*x\r\n",
    "no size": SET + b"*2\r\n$x\r\n",
    "negative size": b"*1\r\n$-5\r\n",
    "huge size": b"*1\r\n$99999999\r\nab",
    "no line end": b"*1\r\n$2\r\nabXX",
    "transaction": MULTI + SET + EXEC,
    "open transaction": SET + MULTI + SET,
    "transaction in a transaction": MULTI + MULTI,
    "end without a beginning": EXEC,
    "marked": b"#TS:100\r\n" + SET + b"#TS:200\r\n" + SET + b"#note\r\n",
    "marked wrongly": SET + b"#TS:x\r\n",
}
OPTIONS = [[], ["--fix"], ["--truncate-to-timestamp", "150"], ["--truncate-to-timestamp", "50"]]


def laid_out(folder, data, *, last=True):
    folder.mkdir(exist_ok=True)
    (folder / "a.aof.1.base.aof").write_bytes(SET if last else data)
    (folder / "a.aof.1.incr.aof").write_bytes(data if last else SET)
    lines = "file a.aof.1.base.aof seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n"
    (folder / "a.aof.manifest").write_text(lines)
    return folder / "a.aof.manifest"


def ours(capsys, monkeypatch, *words):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    code = main([*map(str, words)])
    return code, capsys.readouterr().out


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
@pytest.mark.parametrize("name", FILES)
def test_as_the_real_one(tmp_path, capsys, monkeypatch, name, options, last):
    if shutil.which("redis-check-aof") is None:
        pytest.skip("redis-check-aof is not installed")
    found = []
    for check in ("real", "ours"):
        manifest = laid_out(tmp_path / "log", FILES[name], last=last)
        for path in (manifest, manifest.with_name("a.aof.1.incr.aof")):
            words = [*options, str(path)]
            if check == "ours":
                result = ours(capsys, monkeypatch, *words)
            else:
                done = subprocess.run(["redis-check-aof", *words], input=b"y\n", capture_output=True)
                result = done.returncode, done.stdout.decode("latin-1")
            files = [file.read_bytes() for file in sorted(manifest.parent.iterdir())]
            found.append((result, files))
    assert found[2:] == found[:2]


def test_a_file_is_repaired(tmp_path, capsys, monkeypatch):
    manifest = laid_out(tmp_path / "log", FILES["no command"])
    code, said = ours(capsys, monkeypatch, manifest)
    assert code == 1
    assert "AOF analyzed: filename=a.aof.1.incr.aof, size=36, ok_up_to=33, ok_up_to_line=15, diff=3\n" in said
    assert said.endswith("AOF a.aof.1.incr.aof is not valid. Use the --fix option to try fixing it.\n")
    code, said = ours(capsys, monkeypatch, "--fix", manifest)
    assert code == 0
    assert said.endswith("Successfully truncated AOF a.aof.1.incr.aof\nAll AOF files and manifest are valid\n")
    assert ours(capsys, monkeypatch, manifest)[0] == 0


def test_a_line_without_its_end_is_told_of(tmp_path, capsys, monkeypatch):
    """Here the real one prints what happens to stand in its memory."""
    code, said = ours(capsys, monkeypatch, laid_out(tmp_path / "log", SET + SET[:2]))
    assert code == 1
    assert "0x              21: Expected \\r\\n, got: 0000\n" in said
    assert "ok_up_to=33" in said


def test_a_log_is_taken_back_to_a_moment(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    counts = [b"#TS:%d\r\n" % second + encode_command((b"SET", b"n", b"%d" % second)) for second in (100, 200, 300)]
    (folder / "appendonly.aof.1.incr.aof").write_bytes(b"".join(counts))
    manifest = folder / "appendonly.aof.manifest"
    manifest.write_text("file appendonly.aof.1.incr.aof seq 1 type i\n")
    assert ours(capsys, monkeypatch, "--truncate-to-timestamp", "250", manifest)[0] == 0
    assert get(engine_on(None, tmp_path), "n") == b"$3\r\n200\r\n"
    code, said = ours(capsys, monkeypatch, "--truncate-to-timestamp", "99", manifest)
    assert code == 1
    assert "has nothing before timestamp 99, aborting" in said


def test_a_snapshot_at_the_beginning_is_read(tmp_path, capsys, monkeypatch):
    path = tmp_path / "appendonly.aof"
    data = snapshot(tmp_path, ("SET", "a", "1")) + SET
    path.write_bytes(data)
    code, said = ours(capsys, monkeypatch, path)
    assert code == 0
    assert "RDB preamble is OK, proceeding with AOF tail...\n" in said
    path.write_bytes(data[:40] + b"\xff" + data[41:])
    code, said = ours(capsys, monkeypatch, path)
    assert code == 1
    assert said.endswith("RDB preamble of AOF file is not sane, aborting.\n")


@pytest.mark.parametrize("words", [(), ("--unknown", "x"), ("--fix", "a", "b"), ("--truncate-to-timestamp", "x", "y")])
def test_what_it_does_not_understand(capsys, monkeypatch, words):
    assert ours(capsys, monkeypatch, *words)[0] == 1


def test_its_version(capsys, monkeypatch):
    assert ours(capsys, monkeypatch, "--version") == (0, "pyredis-check-aof 8.2.3\n")


def test_a_file_that_is_not_there(tmp_path, capsys, monkeypatch):
    code, said = ours(capsys, monkeypatch, tmp_path / "none")
    assert (code, "Cannot open file" in said) == (1, True)
