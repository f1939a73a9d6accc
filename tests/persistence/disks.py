"""A disk in memory that stops at a step of the test's choice, and may lose what was not synced."""

import errno
from pathlib import Path

from pyredis.persistence.disk import Disk, Syncing


class Crash(BaseException):
    """The machine stopped: nothing that follows happens."""


class Content:
    def __init__(self):
        self.data = b""
        self.synced = b""


class MemoryDisk(Disk):
    """`stop_at` counts steps from 1; `after`: the step itself still happens; half of what it writes does otherwise."""

    def __init__(self, files=None, stop_at=0, after=False):
        self.files = files or {}
        self.durable = dict(self.files)  # the names that a power cut leaves
        self.folders = {path.parent for path in self.files}
        self.steps = 0
        self.stop_at = stop_at
        self.after = after
        self.stopped = False
        self.space = None  # bytes that can still be written
        self.lazy = []  # syncs in the background, not done yet
        self.is_lazy = False
        self.sync_failure = None
        self._open = {}
        self._next = 100

    def restarted(self, *, power_cut):
        """The disk as the next start finds it."""
        disk = MemoryDisk()
        for path, content in (self.durable if power_cut else self.files).items():
            disk.put(path, content.synced if power_cut else content.data)
        return disk

    def _step(self, effect, halfway=None):
        if self.stopped:
            raise Crash
        self.steps += 1
        if self.steps != self.stop_at:
            return effect()
        self.stopped = True
        if self.after:
            effect()
        elif halfway is not None:
            halfway()
        raise Crash

    def _opened(self, content):
        self._next += 1
        self._open[self._next] = content
        return self._next

    def open_append(self, path):
        return self._opened(self._step(lambda: self.files.setdefault(path, Content())))

    def create(self, path):
        def make():
            content = self.files.setdefault(path, Content())
            content.data = b""
            return content

        return self._opened(self._step(make))

    def write(self, file, data):
        content = self._open[file]

        def put(part):
            content.data += part

        if self.space is not None:
            data = data[: self.space]
            if not data:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.space -= len(data)
        self._step(lambda: put(data), lambda: put(data[: len(data) // 2]))
        return len(data)

    def truncate(self, file, size):
        content = self._open[file]
        self._step(lambda: setattr(content, "data", content.data[:size]))

    def truncate_path(self, path, size):
        content = self.files[path]

        def cut():
            content.data = content.synced = content.data[:size]

        self._step(cut)

    def sync(self, file):
        content = self._open[file]
        if self.sync_failure is not None:
            raise self.sync_failure
        self._step(lambda: setattr(content, "synced", content.data))

    def sync_later(self, file, *, close=False):
        syncing = Syncing()
        content = self._open[file]

        def finish():
            try:
                if self.sync_failure is not None:
                    raise self.sync_failure
                content.synced = content.data
            except OSError as error:
                syncing.error = error
            syncing.done = True

        if self.is_lazy:
            self.lazy.append(finish)
        else:
            self._step(finish)
        return syncing

    def close(self, file):
        if self.stopped:
            raise Crash
        del self._open[file]

    def rename(self, source, target):
        def move():
            self.files[target] = self.files.pop(source)

        self._step(move)

    def remove(self, path):
        self._step(lambda: self.files.pop(path, None))

    def remove_later(self, path):
        self.remove(path)

    def make_folder(self, path):
        self._step(lambda: self.folders.add(path))

    def sync_folder(self, path):
        def keep():
            for name in [name for name in self.durable if name.parent == path and name not in self.files]:
                del self.durable[name]
            self.durable |= {name: content for name, content in self.files.items() if name.parent == path}

        self._step(keep)

    def exists(self, path):
        return path in self.files or path in self.folders

    def size(self, path):
        if path not in self.files:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))
        return len(self.files[path].data)

    def read(self, path):
        if path not in self.files:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))
        data = self.files[path].data
        for at in range(0, len(data), 1000):
            yield data[at : at + 1000]

    def put(self, path, data):
        """A file that is there from the beginning."""
        content = self.files[Path(path)] = self.durable[Path(path)] = Content()
        content.data = content.synced = data
        self.folders.add(Path(path).parent)
