"""Backups: snapshots that stay, each under a name of its own, and the way back from one.

A backup is a second name of the snapshot's file (a copy where the file system has no links), so it costs nothing
while the server runs, and the next snapshot, which is a new file, leaves it alone.
"""

import contextlib
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from pyredis.config.store import Config, ConfigError
from pyredis.persistence.aof_manifest import Manifest, ManifestError, parse
from pyredis.persistence.disk import Disk, write_durably
from pyredis.rdb.file_check import Check, CheckFailed


def keep_backup(config: Config, disk: Disk, snapshot: Path, now: int, log: logging.Logger) -> Path | None:
    """Keep a snapshot of the time `now` (ms since 1970) in `backup-dir`, and no more than `backup-keep` of them.

    The log is told where that is not possible.
    """
    folder = Path(config["dir"], config["backup-dir"])
    stamp = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"
    kept = folder / f"{snapshot.stem}-{stamp}{snapshot.suffix}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _link(snapshot, kept)
        disk.sync_folder(folder)
        for old in _backups(folder, snapshot)[config["backup-keep"] :]:
            old.unlink()
    except OSError as error:
        log.warning("Keeping a backup in %s: %s", folder, error.strerror)
        return None
    return kept


def _link(source: Path, target: Path) -> None:
    aside = target.with_name(f"temp-{os.getpid()}-{target.name}")
    with contextlib.suppress(FileNotFoundError):
        aside.unlink()
    try:
        os.link(source, aside)
    except OSError:
        import shutil  # only file systems without links need it

        shutil.copyfile(source, aside)
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
    aside.replace(target)


def _backups(folder: Path, snapshot: Path) -> list[Path]:
    """The newest first."""
    return sorted(folder.glob(f"{snapshot.stem}-*Z{snapshot.suffix}"), reverse=True)


def restore(config: Config, disk: Disk, source: Path) -> Path:
    """Put a backup where a server that starts now looks for its dataset; what was found.

    It is a snapshot, a log's folder, or a folder that holds either.
    With `appendonly` a snapshot becomes the base of a new log. Raises ConfigError, and then nothing has changed: where
    there is a dataset already, and where nothing to restore is found.
    """
    folder = Path(config["dir"])
    log_folder, manifest_name = folder / config["appenddirname"], f"{config['appendfilename']}.manifest"
    for present in (folder / config["dbfilename"], log_folder / manifest_name):
        if present.exists():
            raise ConfigError(f"Cannot restore: {present} is there already. Move it away first.")
    try:
        found = _found(source, config["appenddirname"], config["dbfilename"])
        if found.suffix == ".manifest":
            _restore_log(config, disk, found, log_folder / manifest_name)
        else:
            _demand_whole(disk, found)
            _restore_snapshot(config, disk, found, log_folder / manifest_name)
    except OSError as error:
        raise ConfigError(f"Cannot restore {source}: {error.strerror}") from None
    return found


def _demand_whole(disk: Disk, snapshot: Path) -> None:
    """Raises ConfigError for a file that could not be loaded."""
    check = Check(str(snapshot), disk.size(snapshot), 0, lambda line: None, tolerant=True)
    try:
        for data in disk.read(snapshot):
            check.feed(data)
            if check.done:
                break
        check.finish()
    except CheckFailed as fault:
        raise ConfigError(f"Cannot restore {snapshot}, {fault}") from None


def _found(source: Path, log_folder: str, snapshot: str) -> Path:
    """The snapshot or manifest that `source` is or holds: a log before a snapshot, of several of those the newest."""
    if not source.is_dir():
        return source
    for folder in (source, source / log_folder):
        for manifest in sorted(folder.glob("*.manifest")):
            return manifest
    if (source / snapshot).exists():
        return source / snapshot
    snapshots = sorted(source.glob("*.rdb"), key=lambda path: (path.stat().st_mtime, path.name))
    if not snapshots:
        raise ConfigError(f"Cannot restore: there is neither a log nor a snapshot in {source}.")
    return snapshots[-1]


def _restore_snapshot(config: Config, disk: Disk, source: Path, manifest_path: Path) -> None:
    if not config["appendonly"]:
        write_durably(disk, Path(config["dir"], config["dbfilename"]), disk.read(source))
        return
    manifest = Manifest().with_base(config["appendfilename"], "rdb")
    disk.make_folder(manifest_path.parent)
    write_durably(disk, manifest_path.with_name(manifest.files[0].name), disk.read(source))
    write_durably(disk, manifest_path, [manifest.format()])


def _restore_log(config: Config, disk: Disk, source: Path, target: Path) -> None:
    if not config["appendonly"]:
        raise ConfigError(f"Cannot restore: {source} is an append-only log, and appendonly is off.")
    try:
        text = b"".join(disk.read(source))
        files = parse(text).files
    except ManifestError as fault:
        raise ConfigError(f"Cannot restore {source}: {fault.reason}") from None
    for file in files:
        disk.size(source.parent / file.name)  # raises for one that is missing, before anything is written
    disk.make_folder(target.parent)
    for file in files:
        write_durably(disk, target.parent / file.name, disk.read(source.parent / file.name))
    write_durably(disk, target, [text])
