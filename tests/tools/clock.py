"""A clock that tests set."""


class Clock:
    """Returns `now`, in seconds, wherever a function like `time.time` is expected."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now
