import errno

import pytest

from pyredis.persistence.disk import Disk, write_all, write_durably, write_new
from tests.persistence.disks import Crash, MemoryDisk


def test_a_file_is_written_whole(tmp_path):
    write_durably(Disk(), tmp_path / "file", [b"a" * 300_000, b"b", b""])
    assert (tmp_path / "file").read_bytes() == b"a" * 300_000 + b"b"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_appending_cutting_and_reading(tmp_path):
    disk, path = Disk(), tmp_path / "log"
    for data in (b"one", b"two"):
        file = disk.open_append(path)
        assert write_all(disk, file, data) == 3
        disk.close(file)
    file = disk.open_append(path)
    disk.truncate(file, 4)
    write_all(disk, file, b"!")
    disk.close(file)
    assert b"".join(disk.read(path)) == b"onet!"
    disk.truncate_path(path, 3)
    assert disk.size(path) == 3
    disk.remove(path)
    disk.remove(path)
    assert not disk.exists(path)


def test_a_sync_on_another_thread_ends_and_closes(tmp_path):
    disk = Disk()
    file = disk.create(tmp_path / "log")
    syncing = disk.sync_later(file, close=True)
    while not syncing.done:
        pass
    assert syncing.error is None
    with pytest.raises(OSError, match="Bad file"):
        disk.write(file, b"x")
    failed = disk.sync_later(file)
    while not failed.done:
        pass
    assert failed.error.errno == errno.EBADF


def test_a_file_that_cannot_be_written_is_not_left_behind():
    disk = MemoryDisk()
    disk.space = 10
    with pytest.raises(OSError, match="No space"):
        write_new(disk, "file", [b"x" * 11])
    assert not disk.files


def test_what_the_disk_takes_in_part_is_counted():
    disk = MemoryDisk()
    disk.space = 4
    assert write_all(disk, disk.create("file"), b"123456") == 4


@pytest.mark.parametrize("power_cut", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_replacing_a_file_is_all_or_nothing(tmp_path, after, power_cut):
    for stop in range(1, 20):
        disk = MemoryDisk()
        path = tmp_path / "file"
        disk.put(path, b"old")
        disk.stop_at, disk.after = stop, after
        try:
            write_durably(disk, path, [b"new"])
        except Crash:
            found = b"".join(disk.restarted(power_cut=power_cut).read(path))
            assert found in (b"old", b"new")
        else:
            found = b"".join(disk.restarted(power_cut=power_cut).read(path))
            assert found == b"new"
            break
    assert stop == 6  # create, write, sync, rename, and the folder's sync: each was interrupted
