"""The open descriptor of a file for upload: judged by its content, converted if need be, and read as it was judged."""

import errno
import hashlib
import io
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, Protocol

from webvoice_mcp.errors import DiskError, InvalidArgument, PathNotAllowed, UnsupportedMedia
from webvoice_mcp.files.disk import OPEN_FOR_READING, FileId, disk_errors, is_file
from webvoice_mcp.files.find_input import find_input
from webvoice_mcp.files.handed_input import SAMPLE_BYTES, FileFacts, HandedInput
from webvoice_mcp.files.kinds import CONVERTED, UPLOADED, Kind, sniff
from webvoice_mcp.files.length import length_of_recording
from webvoice_mcp.files.metadata import without_metadata
from webvoice_mcp.files.path_policy import PathPolicy
from webvoice_mcp.files.pieces import MalformedPicture, Piece, length_of


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to open for upload, and the requirements on it.

    Attributes:
        path: path as the caller gave it.
        argument: name of the tool's parameter, for messages.
        family: the family of media that it must contain.
        max_bytes: the most that is sent at once.
        is_cut: True if a recording may be larger, because it is sent in pieces.
    """

    path: str
    argument: str
    family: Literal["audio", "image"]
    max_bytes: int
    is_cut: bool = False


class Converted(NamedTuple):
    """The sound or picture that is sent of a file of another format.

    Attributes:
        file: an open file without a name, flushed.
        kind: its kind, one of those that may be uploaded.
    """

    file: BinaryIO
    kind: Kind


class Convert(Protocol):
    """Makes a file that may be uploaded of an open file in another format."""

    def __call__(self, file: BinaryIO, kind: Kind, *, subject: str, max_bytes: int) -> Converted:
        """Return the sound of a recording or film, or the picture, without metadata. Blocks for long.

        Args:
            file: the original, open for reading. It stays open.
            kind: its kind, one of `CONVERTED`.
            subject: its name for messages.
            max_bytes: the most that may be uploaded.

        Raises:
            InvalidArgument: too large.
            UnsupportedMedia: it cannot be converted, and why.
            DiskError: there is no room for the result.
        """
        ...


class OpenedFile:
    """An input file's open descriptor, and the checks that it must pass.

    All methods block. A lock guards the state, because the thread of a cancelled caller may still be at work.
    """

    kind: Kind  # set by `open`
    pieces: tuple[Piece, ...]
    _checked: os.stat_result
    _facts: FileFacts

    def __init__(self, upload: Upload, policy: PathPolicy) -> None:
        self.path = Path(upload.path)
        self.size = 0
        self._upload = upload
        self._policy = policy
        self._file: BinaryIO | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    def open(self, *, converts: bool = False) -> None:
        """Open and check the file; do nothing after `close`.

        Args:
            converts: accept files that can be sent after `convert`.
        """
        with self._lock:
            if self._is_closed:
                return
            self.path = find_input(self._upload.path, self._upload.argument, self._policy)
            with disk_errors("read", self.path):
                expected = self.path.stat()
                if not is_file(expected):
                    raise UnsupportedMedia(f"{self._subject} is a folder, device or pipe. Give the path of a file.")
                self._file = self._open()
                self._check(self._file, expected, converts=converts)

    def adopt(self, handed: HandedInput, descriptor: int) -> None:
        """Take a file that another process opened and checked in the place of opening it. The descriptor is closed."""
        with self._lock, disk_errors("read", Path(handed.path)):
            self.path = Path(handed.path)
            file = io.FileIO(descriptor)
            self._file = file
            self._facts = handed.facts
            kind = sniff(file)
            if kind is None or _facts_of(file) != handed.sent:
                raise self._changed_before_sending
            self._accept(file, kind)

    def check_same(self, handed: HandedInput) -> None:
        """Check that this is the file that another process opened.

        Raises:
            DiskError: it is another one, or has changed.
        """
        if self._facts != handed.facts:
            raise self._changed_before_sending

    def hand_over(self, *, with_descriptor: bool) -> HandedInput:
        """Return what another process needs to send this file."""
        with self._lock, disk_errors("read", self.path):
            file = self._open_file
            if self._is_changed(file):
                raise self._changed_before_sending
            sent = _facts_of(file)
            descriptor = os.dup(file.fileno()) if with_descriptor else None
            return HandedInput(self._upload.argument, self._upload.path, str(self.path), self._facts, sent, descriptor)

    @property
    def needs_conversion(self) -> bool:
        """True if the file cannot be sent as it is."""
        return self.kind not in UPLOADED

    def convert(self, convert: Convert) -> None:
        """Put what is sent in the place of a file of another format; the file itself is closed."""
        with self._lock, disk_errors("read", self.path):
            original = self._open_file
            converted, kind = convert(original, self.kind, subject=self._subject, max_bytes=self._upload.max_bytes)
            try:
                self._check_read(original)
                self._accept(converted, kind)
            except BaseException:
                converted.close()
                raise
            self._file = converted
            original.close()

    def read(self, start: int, end: int) -> bytes:
        """Return this range."""
        with self._lock, disk_errors("read", self.path):
            file = self._open_file
            file.seek(start)
            data = file.read(end - start)
            self._check_read(file, is_complete=len(data) == end - start)
            return data

    def seconds(self) -> float | None:
        """Return how long a recording plays, None if that is not certain."""
        with self._lock, disk_errors("read", self.path):
            return length_of_recording(self._open_file, self.kind)

    def check_unchanged(self) -> None:
        """Check that the file is still as it was when it was opened."""
        with self._lock, disk_errors("read", self.path):
            if self._is_changed(self._open_file):
                raise self._changed_before_sending

    def close(self) -> None:
        """Close the file, if it is open."""
        with self._lock:
            self._is_closed = True
            if self._file:
                self._file.close()
                self._file = None

    @property
    def _open_file(self) -> BinaryIO:
        if self._file is None:
            raise ValueError("The file is closed.")
        return self._file

    def _is_changed(self, file: BinaryIO) -> bool:
        status = os.fstat(file.fileno())
        return (status.st_size, status.st_mtime_ns) != (self._checked.st_size, self._checked.st_mtime_ns)

    @property
    def _subject(self) -> str:
        return f"{self._upload.argument}: {self._upload.path}"

    def _open(self) -> io.FileIO:
        try:
            return io.FileIO(self.path, opener=lambda path, _: os.open(path, OPEN_FOR_READING))
        except OSError as error:
            if error.errno != errno.ELOOP:  # ELOOP means that the path is a link now
                raise
            raise self._replaced from None

    def _check(self, file: BinaryIO, expected: os.stat_result, *, converts: bool) -> None:
        """Check the open file, and store its kind and what is sent of it."""
        status = os.fstat(file.fileno())
        # Another file may have replaced it after the path was checked; a new pipe may get the same number.
        is_same = is_file(status) and FileId.of(status) == FileId.of(expected)
        if not is_same or not self._policy.still_allows(file.fileno(), self.path):
            raise self._replaced
        if status.st_size == 0:
            raise UnsupportedMedia(f"{self._subject} is empty. {self._accepted}")
        kind = sniff(file)
        is_foreign = converts and kind in CONVERTED[self._upload.family]
        max_bytes = self._upload.max_bytes
        # Of a film only the sound is sent, which is much smaller.
        may_be_larger = self._upload.family == "audio" and (is_foreign or self._upload.is_cut)
        if status.st_size > max_bytes and not may_be_larger:
            raise InvalidArgument(
                f"{self._subject} has {status.st_size} bytes, more than the {max_bytes / 1024**2:g} MB that"
                " WEBVOICE_MAX_UPLOAD_MB allows. Send a smaller file, or raise the setting."
            )
        if kind is None or not (is_foreign or (kind in UPLOADED and kind.family == self._upload.family)):
            found = kind.name if kind else "not in a known audio or image format"
            raise UnsupportedMedia(f"{self._subject} is {found}, judged by its content. {self._accepted}")
        self._facts = _facts_of(file)
        self._accept(file, kind)

    def _accept(self, file: BinaryIO, kind: Kind) -> None:
        """Store the kind of the file, and what is sent of it."""
        try:
            self.pieces = without_metadata(file, kind)
        except MalformedPicture:
            raise UnsupportedMedia(
                f"{self._subject} is damaged, so that position, camera and owner cannot be taken out of it. Save the"
                " picture anew with a picture program."
            ) from None
        self.size, self.kind, self._checked = length_of(self.pieces), kind, os.fstat(file.fileno())

    def _check_read(self, file: BinaryIO, *, is_complete: bool = True) -> None:
        if not is_complete or self._is_changed(file):
            raise DiskError(f"{self.path} changed while it was being read. Try again when it is complete.")

    @property
    def _changed_before_sending(self) -> DiskError:
        return DiskError(
            f"{self.path} changed after it was checked, so nothing was sent. Try again when it is complete."
        )

    @property
    def _replaced(self) -> PathNotAllowed:
        return PathNotAllowed(f"{self._subject} was replaced while it was being opened. Try again.")

    @property
    def _accepted(self) -> str:
        names = [kind.name for kind in UPLOADED if kind.family == self._upload.family]
        return f"Accepted formats are {', '.join(names[:-1])} and {names[-1]}."


def _facts_of(file: BinaryIO) -> FileFacts:
    status = os.fstat(file.fileno())
    file.seek(0)
    sample = file.read(SAMPLE_BYTES)
    file.seek(max(0, status.st_size - SAMPLE_BYTES))
    sample += file.read(SAMPLE_BYTES)
    return FileFacts.of(status, hashlib.sha256(sample).hexdigest())
