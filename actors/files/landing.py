"""Where received files land: hidden while they are not whole, never over anything that is there. Blocks: for a thread.

Everything is done relative to the opened destination folder, and every folder on the way is opened without following
links: whatever stands in the tree, nothing is written outside it. A file is written under a hidden name in the
destination itself, and moved to its own name with link(2), which takes no name that is taken.
"""

import errno
import os
import select
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from actors.ends import NamedEnd
from actors.files.names import numbered, partial_name
from relay import limits

Buffer = bytes | bytearray | memoryview
Parts = tuple[str, ...]

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)  # FAT, some network disks


class LandingError(NamedEnd):
    """The destination can't be used: "folder-missing", "folder-unwritable", "no-space" ("NEEDED FREE" in bytes),
    "disk-full", "disk-error" (`detail` has the system's words). The transfer is over."""


class EntryError(NamedEnd):
    """One entry can't be kept, the others can: "no-name", "not-folder", "hash"."""


class Landing:
    """The destination of one transfer; `token` stands in the names of its partial files.

    `begin`, `write` and `finish` one file after the other. Raises `LandingError`, from its making on, and `EntryError`.
    """

    def __init__(self, folder: Path, token: str) -> None:
        self.folder = folder
        self._token = token
        self.partial = ""  # the hidden name of the file under way
        self._fd = -1
        try:
            self._root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            cause = "folder-unwritable" if error.errno == errno.EACCES else "folder-missing"
            raise LandingError(cause, str(folder)) from error
        self._way: list[tuple[str, int]] = []  # the folders from the destination to the one used last, opened
        if not os.access(folder, os.W_OK | os.X_OK):
            os.close(self._root)
            raise LandingError("folder-unwritable", str(folder))

    def need(self, size: int) -> None:
        """Raise `LandingError` "no-space" unless the disk has room for `size` bytes."""
        try:
            found = os.fstatvfs(self._root)
        except OSError as error:
            raise _failure(error) from error
        free = found.f_bavail * found.f_frsize
        if size > free:
            raise LandingError("no-space", f"{size} {free}")

    def close(self) -> None:
        """Close everything. A partial file stays, unless it is empty."""
        self.abandon()
        self._leave(0)
        if self._root >= 0:
            os.close(self._root)
            self._root = -1

    # --- folders -------------------------------------------------------------------------------------------------

    def make_top(self, name: str) -> str:
        """Make a folder in the destination under this name, or the next free one; return its name."""
        for tried in _tries(name):
            try:
                os.mkdir(tried, dir_fd=self._root)
            except FileExistsError:
                continue
            except OSError as error:
                raise _of_entry(error, name) from error
            return tried
        raise EntryError("no-name", name)

    def unmake_top(self, name: str) -> None:
        """Take a top folder back that nothing was put into."""
        with suppress(OSError):
            os.rmdir(name, dir_fd=self._root)

    def make_folder(self, parts: Parts) -> None:
        """Make this folder, and those on the way, where they are not there."""
        self._enter(parts)

    def set_time(self, parts: Parts, modified: int) -> None:
        """Give a folder its modification time (ns): once nothing more is put into it."""
        # A nicety: the files are there. What the person has moved away meanwhile is not made again.
        with suppress(LandingError, EntryError, OSError, OverflowError):
            os.utime(self._enter(parts, make=False), ns=(modified, modified))

    def _enter(self, parts: Parts, *, make: bool = True) -> int:
        """Open a folder, made if need be; return its descriptor, which stays ours."""
        same = 0
        while same < min(len(parts), len(self._way)) and self._way[same][0] == parts[same]:
            same += 1
        self._leave(same)
        for part in parts[same:]:
            above = self._way[-1][1] if self._way else self._root
            try:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=above)
                self._way.append((part, os.open(part, _FOLDER, dir_fd=above)))
            except OSError as error:
                if error.errno in (errno.ENOTDIR, errno.ELOOP):
                    raise EntryError("not-folder", part) from error
                raise _of_entry(error, part) from error
        return self._way[-1][1] if self._way else self._root

    def _leave(self, depth: int) -> None:
        while len(self._way) > depth:
            os.close(self._way.pop()[1])

    # --- files ---------------------------------------------------------------------------------------------------

    def begin(self, name: str, *, program: bool) -> None:
        """Begin a hidden file for what will be called `name`."""
        self.abandon()
        hidden = partial_name(name, self._token)
        try:
            for tried in _tries(hidden):  # one of an earlier file that did not get whole may be there
                with suppress(FileExistsError):
                    self._fd = os.open(tried, _NEW_FILE, 0o777 if program else 0o666, dir_fd=self._root)
                    self.partial = tried
                    return
        except OSError as error:
            raise _of_entry(error, name) from error
        raise EntryError("no-name", hidden)

    def write(self, data: Buffer) -> None:
        """Add to the file."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            raise _failure(error) from error

    def finish(self, parts: Parts, modified: int) -> Parts:
        """The file is whole: give it its time (ns) and its name, or the next free one; return where it is."""
        try:
            with suppress(OSError, OverflowError):  # no disk has that year, some have no times
                os.utime(self._fd, ns=(modified, modified))
            self._close_file()
            into = self._enter(parts[:-1])
            for tried in _tries(parts[-1]):
                if self._move(tried, into):
                    self.partial = ""
                    return (*parts[:-1], tried)
        except OSError as error:
            raise _of_entry(error, parts[-1]) from error
        raise EntryError("no-name", parts[-1])

    def _close_file(self) -> None:
        """Close the file; on a network disk this is where it is said that writing failed. Raises `OSError`."""
        descriptor, self._fd = self._fd, -1
        os.close(descriptor)

    def _move(self, name: str, into: int) -> bool:
        """Move the hidden file to this name; False if it is taken."""
        try:
            os.link(self.partial, name, src_dir_fd=self._root, dst_dir_fd=into, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            try:
                os.close(os.open(name, _NEW_FILE, dir_fd=into))  # ours, and empty: it may be written over
            except FileExistsError:
                return False
            os.replace(self.partial, name, src_dir_fd=self._root, dst_dir_fd=into)
        else:
            os.unlink(self.partial, dir_fd=self._root)
        return True

    def abandon(self) -> str:
        """Leave the file as it is; return the full path of what is kept, "" if nothing is (it was empty)."""
        if not self.partial:
            return ""
        kept, size = self.partial, 0
        with suppress(OSError):
            if self._fd >= 0:
                self._close_file()
        with suppress(OSError):
            size = os.stat(kept, dir_fd=self._root, follow_symlinks=False).st_size
        self.partial = ""
        if size == 0:
            with suppress(OSError):
                os.unlink(kept, dir_fd=self._root)
            return ""
        return str(self.folder / kept)

    def syncing(self) -> int:
        """Return a descriptor of the file under way, for `fdatasync`; whoever calls closes it."""
        return os.dup(self._fd)


class Output:
    """Standard output in the place of a folder: for one file, whose bytes go through as they come."""

    partial = ""

    def __init__(self, descriptor: int = 1) -> None:
        self._fd = descriptor

    def begin(self, name: str, *, program: bool) -> None:
        """Nothing is to be made."""

    def write(self, data: Buffer) -> None:
        """Write to it. Raises `LandingError` "output-closed"."""
        view = memoryview(data)
        try:
            while view:
                try:
                    view = view[os.write(self._fd, view) :]
                except BlockingIOError:  # whoever gave it to us made it so
                    select.select([], [self._fd], [])
        except OSError:
            raise LandingError("output-closed") from None

    def finish(self, parts: Parts, modified: int) -> Parts:
        """Tell whoever reads that this was all."""
        with suppress(OSError):
            null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(null, self._fd)
            os.close(null)
        return parts

    def make_folder(self, parts: Parts) -> None:
        """There is none."""

    def set_time(self, parts: Parts, modified: int) -> None:
        """It has none."""

    def abandon(self) -> str:
        """What was written can't be taken back."""
        return ""

    def close(self) -> None:
        """It stays open: it is not ours."""

    def syncing(self) -> int:
        """Return a descriptor of it."""
        return os.dup(self._fd)


def _tries(name: str) -> Iterator[str]:
    """The name, then "name (1)" and so on."""
    yield name
    for number in range(1, limits.NAME_TRIES):
        yield numbered(name, number)


def _of_entry(error: OSError, name: str) -> EntryError | LandingError:
    """Return what an error means that may be about one name: some disks take fewer than others."""
    if error.errno in (errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ):
        return EntryError("no-name", name)
    return _failure(error)


def _failure(error: OSError) -> LandingError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return LandingError("disk-full")
    if error.errno == errno.ENOENT:
        return LandingError("folder-missing")
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return LandingError("folder-unwritable")
    return LandingError("disk-error", os.strerror(error.errno or 0))
