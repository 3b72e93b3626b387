from typing import Any


def transcription(*a: Any, **k: Any) -> Any: ...
