"""The files of an append-only log on disk: the folder, its manifest, and the steps from one state to the next.

Every step leaves files from which the log can be loaded, wherever it is interrupted: a file is in place before the
manifest names it, and deleted only when the manifest no longer does. An increment the manifest did not name is
never taken up again. Times are not known here; sizes are bytes.
"""

import logging
from pathlib import Path

from pyredis.config.store import Config
from pyredis.persistence.aof_manifest import Manifest, ManifestError, parse
from pyredis.persistence.disk import Disk, replace_file


class LogFiles:
    """The component that knows where the files are. `manifest` is what it last read or wrote."""

    def __init__(self, config: Config, disk: Disk, log: logging.Logger) -> None:
        self._config = config
        self._log = log
        self.disk = disk
        self.manifest = Manifest()

    @property
    def name(self) -> str:
        """`appendfilename`."""
        return str(self._config["appendfilename"])

    @property
    def folder(self) -> Path:
        """`appenddirname` in `dir`."""
        return Path(self._config["dir"], self._config["appenddirname"])

    def path(self, name: str) -> Path:
        """Where a file of the log is."""
        return self.folder / name

    @property
    def temporary_increment(self) -> Path:
        """Where is written what comes before the log's first base is done."""
        return self.path(f"temp-{self.name}.incr")

    @property
    def _manifest_name(self) -> str:
        return f"{self.name}.manifest"

    # Reading

    def read_manifest(self) -> None:
        """Take over what the disk has. Raises ManifestError, having logged it."""
        path = self.path(self._manifest_name)
        if not self.disk.exists(path):
            self.manifest = Manifest()
            return
        try:
            self.manifest = parse(b"".join(self.disk.read(path)))
        except ManifestError as fault:
            self._log.warning("*** FATAL AOF MANIFEST FILE ERROR ***")
            if fault.line:
                self._log.warning("Reading the manifest file, at line %d", fault.number)
                self._log.warning(">>> '%s'", fault.line)
            self._log.warning("%s", fault.reason)
            raise
        except OSError as error:
            self._log.warning("Fatal error: can't open the AOF manifest file %s for reading: %s", path, error.strerror)
            raise ManifestError(str(error)) from None

    def size(self, name: str) -> int:
        """The size of a file. Raises OSError, having logged it."""
        try:
            return self.disk.size(self.path(name))
        except OSError as error:
            self._log.warning("Unable to obtain the AOF file %s length. stat: %s", name, error.strerror)
            raise

    def upgrade(self) -> None:
        """Take over the single file of a server before 7.0, if there is one and nothing else. Raises OSError.

        The manifest comes first: a file that was not moved yet is found by the next start.
        """
        old = Path(self._config["dir"], self.name)
        manifest = self.manifest
        if not self.disk.exists(old) or not (
            manifest.is_empty or (manifest.is_being_upgraded(self.name) and not self.disk.exists(self.path(self.name)))
        ):
            return
        self._make_folder()
        self._persist(manifest.upgraded(self.name))
        try:
            self.disk.rename(old, self.path(self.name))
            self.disk.sync_folder(self.folder)
        except OSError as error:
            text = "Error trying to move the old AOF file %s into dir %s: %s"
            self._log.warning(text, self.name, self.folder.name, error.strerror)
            raise
        text = "Successfully migrated an old-style AOF file (%s) into the AOF directory (%s)."
        self._log.info(text, self.name, self.folder.name)

    # Increments

    def open_at_start(self) -> tuple[int, int]:
        """The increment to go on with, and its size; a new one where there is none. Raises OSError."""
        self._make_folder()
        manifest = self.manifest
        if manifest.increments:
            name = manifest.increments[-1].name
            file, done = self._opened(name, anew=False), "Opening"
            if manifest.outdated:
                self._persist(manifest)
        else:
            manifest = manifest.with_increment(self.name)
            name = manifest.increments[-1].name
            file, done = self._opened(name, anew=True), "Creating"
            self._persist_or_close(manifest, file)
        self._log.info("%s AOF incr file %s on server start", done, name)
        return file, self.size(name)

    def begin_increment(self) -> int:
        """A new increment, named in the manifest. Raises OSError."""
        manifest = self.manifest.with_increment(self.name)
        name = manifest.increments[-1].name
        file = self._opened(name, anew=True)
        self._persist_or_close(manifest, file)
        self._log.info("Creating AOF incr file %s on background rewrite", name)
        return file

    def begin_temporary_increment(self) -> int:
        """An increment that no manifest names until the rewrite is done. Raises OSError."""
        name = self.temporary_increment.name
        file = self._opened(name, anew=True)
        self._log.info("Creating AOF incr file %s on background rewrite", name)
        return file

    def drop_temporary_increment(self) -> None:
        """The rewrite has failed: what came meanwhile is of no use."""
        self._log.info("Removing the temp incr aof file %s in the background", self.temporary_increment.name)
        self._remove(self.temporary_increment)  # at once, since the next rewrite makes one of the same name

    # Bases

    def make_folder(self) -> None:
        """Make the folder if it is not there. Raises OSError, having logged it."""
        self._make_folder()

    def adopt_base(self, written: Path, extension: str, *, increment: bool, temporary: bool) -> None:
        """Let a finished snapshot be the base, in place of all files but the increment that is written now.

        `increment`: there is such a one; `temporary`: the manifest does not name it yet. Raises OSError; then
        everything is as before.
        """
        before = self.manifest
        manifest = before.with_base(self.name, extension)
        assert manifest.base is not None
        made = [self.path(manifest.base.name)]
        self._rename(written, made[0], "base")
        try:
            if temporary:
                manifest = manifest.with_increment(self.name)
                made.append(self.path(manifest.increments[-1].name))
                self._rename(self.temporary_increment, made[1], "incr")
            self._persist(manifest.with_increments_retired(keeping_last=increment))
        except OSError:
            if self.manifest is before:
                for path in made:
                    self._remove(path)
            raise

    def base_at_start(self, extension: str) -> tuple[Manifest, Path]:
        """What the manifest will be with a first base, and where that is to be written."""
        self._make_folder()
        manifest = self.manifest.with_base(self.name, extension)
        assert manifest.base is not None
        return manifest, self.path(manifest.base.name)

    def adopt(self, manifest: Manifest) -> None:
        """Make a manifest the one that counts. Raises OSError."""
        self._persist(manifest)

    def delete_history(self) -> None:
        """Delete what no longer counts: first from the manifest, then the files. That it fails does no harm."""
        if not self.manifest.history or self._config["aof-disable-auto-gc"]:
            return
        history = self.manifest.history
        try:
            self._persist(self.manifest.without_history())
        except OSError:
            return
        for file in history:
            self._log.info("Removing the history file %s in the background", file.name)
            self.disk.remove_later(self.path(file.name))

    # Inside

    def _make_folder(self) -> None:
        try:
            if not self.disk.exists(self.folder):
                self.disk.make_folder(self.folder)
                self.disk.sync_folder(self.folder.parent)
        except OSError as error:
            self._log.warning("Can't open or create append-only dir %s: %s", self.folder.name, error.strerror)
            raise

    def _opened(self, name: str, *, anew: bool) -> int:
        try:
            return self.disk.create(self.path(name)) if anew else self.disk.open_append(self.path(name))
        except OSError as error:
            self._log.warning("Can't open the append-only file %s: %s", name, error.strerror)
            raise

    def _persist_or_close(self, manifest: Manifest, file: int) -> None:
        try:
            self._persist(manifest)
        except OSError:
            self.disk.close(file)
            raise

    def _persist(self, manifest: Manifest) -> None:
        path = self.path(self._manifest_name)
        try:
            replace_file(self.disk, path, [manifest.format()])
            self.manifest = manifest  # from now on it counts, though a power cut may still undo that
            self.disk.sync_folder(path.parent)
        except OSError as error:
            self._log.warning("Can't write the AOF manifest file %s: %s", path.name, error.strerror)
            raise

    def _rename(self, source: Path, target: Path, what: str) -> None:
        try:
            self.disk.rename(source, target)
        except OSError as error:
            args = (what, source.name, target.name, error.strerror)
            self._log.warning("Error trying to rename the temporary AOF %s file %s into %s: %s", *args)
            raise
        self._log.info("Successfully renamed the temporary AOF %s file %s into %s", what, source.name, target.name)

    def _remove(self, path: Path) -> None:
        try:
            self.disk.remove(path)
        except OSError as error:
            self._log.warning("Can't remove %s: %s", path.name, error.strerror)
