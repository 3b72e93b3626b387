"""Surrogate pairs that are split between two pieces of a text."""

from webvoice_mcp.client.document import replace_surrogates


class SurrogateJoiner:
    """Takes a text in pieces; a high surrogate at the end of a piece waits for its low surrogate."""

    def __init__(self) -> None:
        self._waiting = ""

    def feed(self, piece: str) -> str:
        """Take a piece and return the text that it completes."""
        piece = self._waiting + piece
        self._waiting = piece[-1:] if "\ud800" <= piece[-1:] <= "\udbff" else ""
        return str(replace_surrogates(piece[: len(piece) - len(self._waiting)]))

    @property
    def rest(self) -> str:
        """The replacement of a high surrogate whose low surrogate has not come, "" without one."""
        return str(replace_surrogates(self._waiting))
