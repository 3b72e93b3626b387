"""Pictures inside a chat's answer: decoded while they arrive, with a mark in their place in the text."""

import re
import secrets
from collections.abc import Callable, Sequence
from typing import Protocol

from webvoice_mcp.client.base64stream import Base64Decoder
from webvoice_mcp.errors import InvalidResponse, WebVoiceError

MAX_PICTURES = 64
"""Each picture may hold a file open."""

MAX_SOURCE_CHARACTERS = 64
"""Base64 of at most this length may be an example in a text about links, so that it can be put back."""

TOO_MANY = f"An answer may have at most {MAX_PICTURES} pictures."


class PictureStore(Protocol):
    """Takes the bytes of an answer's pictures."""

    async def write(self, number: int, blocks: Sequence[bytes]) -> None:
        """Append to the picture with this number.

        Raises:
            WebVoiceError: it cannot be saved. Its other bytes are then dropped.
        """


class Picture:
    """A picture, whose base64 is fed in pieces.

    Attributes:
        number: its place among the pictures of the answer, from 0.
        mark: stands for it in texts.
        source: its whole link as it stood in a text, if that is short; else "".
        problem: sentence that says why it cannot be saved, "" if it can.
        is_repeated: True if it came in a message that repeats what was streamed before.
        is_complete: True once all of its base64 has arrived.
        blocks: decoded bytes that the store does not have yet.
    """

    def __init__(self, number: int, mark: str, source: str) -> None:
        self.number = number
        self.mark = mark
        self.source = source
        self.problem = ""
        self.is_repeated = False
        self.is_complete = False
        self.blocks: list[bytes] = []
        self._decoder = Base64Decoder(self.blocks.append, "picture")

    def feed(self, text: str) -> None:
        """Decode a piece of its base64."""
        if self.source:
            self.source += text
            if len(self.source) - self.source.find(",") > MAX_SOURCE_CHARACTERS:
                self.source = ""
        if not self.problem:
            try:
                self._decoder.feed(text.encode("ascii", "replace"))
            except InvalidResponse as error:
                self.fail(str(error))

    def finish(self) -> None:
        """End it."""
        if not self.problem:
            try:
                self._decoder.finish()
            except InvalidResponse as error:
                self.fail(str(error))
        self.is_complete = True

    def fail(self, problem: str) -> None:
        """Drop it."""
        self.problem = problem
        self.blocks.clear()


class Pictures:
    """The pictures of one answer.

    Attributes:
        items: those that can be saved, in the order in which they began, then one that stands for all others.
        count: the number of all of them.
    """

    def __init__(self, store: PictureStore | None = None) -> None:
        """Begin without pictures.

        Args:
            store: takes their bytes; None drops them.
        """
        self.items: list[Picture] = []
        self.count = 0
        self._store = store
        self._nonce = secrets.token_hex(16)  # so that no text of the service can hold a mark
        self._mark = re.compile(rf"picture-{self._nonce}-(\d+)-")
        self._unsettled: list[Picture] = []

    def open(self, source: str = "") -> Picture:
        """Begin a picture.

        Args:
            source: the beginning of its link, if it may be put back into the text.
        """
        self.count += 1
        number = len(self.items)
        if number > MAX_PICTURES:
            return self.items[-1]
        is_over = number == MAX_PICTURES
        picture = Picture(number, f"picture-{self._nonce}-{number}-", "" if is_over else source)
        if is_over:
            picture.fail(TOO_MANY)
        self.items.append(picture)
        self._unsettled.append(picture)
        return picture

    async def settle(self) -> None:
        """Hand over what was decoded since the last call."""
        for picture in self._unsettled:
            if picture.blocks:
                try:
                    if self._store:
                        await self._store.write(picture.number, picture.blocks)
                except WebVoiceError as error:
                    picture.fail(str(error))
                picture.blocks.clear()  # not if the write was cancelled, so that the next call repeats it
        self._unsettled = [picture for picture in self._unsettled if not picture.is_complete]

    @property
    def is_receiving(self) -> bool:
        """True if a picture has begun that had not ended when `settle` was last called."""
        return bool(self._unsettled)

    def replace_marks(self, text: str, shown: Callable[[Picture], str]) -> str:
        """Return a text with something shown in place of each mark."""
        return self._mark.sub(lambda match: shown(self.items[int(match[1])]), text)

    def redact_sources(self, redacted: Callable[[str], str]) -> None:
        """Redact the links that may be put back into the texts, which are redacted without them."""
        for picture in self.items:
            picture.source = redacted(picture.source)

    def preview(self, text: str) -> str:
        """Return a text as it may be shown before the pictures are saved."""
        return self.replace_marks(text, lambda picture: f"picture {picture.number + 1}")
