"""The sandbox's local engines, in a file each: speech, recognition, translation, chat, pictures, films.

Their libraries come with the extra `sandbox` and are imported on first use, so the sandbox also starts without them.
All functions are synchronous and may be called from several threads at once.
"""

import importlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import ModuleType

__all__ = ["BYTES_PER_SAMPLE", "EngineUnavailable", "InvalidInput", "Sound", "join", "load"]

BYTES_PER_SAMPLE = 2

# Numerical libraries start a thread for each core. If the cores are few or busy, these threads wait for each other and
# are several times slower than a single one. The libraries read these variables on import.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class EngineUnavailable(Exception):
    """An engine cannot be used on this machine. The message says why and how to install it.

    Attributes:
        engine: the name of its package on the package index.
    """

    def __init__(self, engine: str, problem: str = "is not installed") -> None:
        super().__init__(f"The sandbox's engine {engine} {problem}. Run: pip install 'webvoice-mcp[sandbox]'")
        self.engine = engine


class InvalidInput(Exception):
    """An engine cannot process the input. The message is for the client that sent it."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono sound in memory.

    Attributes:
        pcm: signed 16-bit little-endian samples.
        rate: samples per second.
        provider: the engine that made it, "" for a recording that was sent in.
    """

    pcm: bytes
    rate: int
    provider: str = ""

    @property
    def seconds(self) -> float:
        """The length of the sound in seconds."""
        return len(self.pcm) / BYTES_PER_SAMPLE / self.rate


def join(sounds: Iterable[Sound]) -> Sound:
    """Return one sound of sounds that have the same rate and engine; there must be at least one."""
    parts = list(sounds)
    return replace(parts[0], pcm=b"".join(part.pcm for part in parts))


def load(module: str, engine: str) -> ModuleType:
    """Import a module of the extra `sandbox`.

    Raises:
        EngineUnavailable: the module is missing; the error names the package `engine`.
    """
    for variable in _ONE_THREAD:
        os.environ.setdefault(variable, "1")
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise EngineUnavailable(engine) from error
    except (ImportError, OSError) as error:  # it is installed, but a native library in it does not load
        raise EngineUnavailable(engine, f"cannot be loaded ({error})") from error
