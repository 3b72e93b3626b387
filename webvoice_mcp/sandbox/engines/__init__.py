"""The sandbox's local engines, a file each: speech, recognition, translation, chat, pictures, films.

They come with the extra `sandbox` and are imported when first used, so that the sandbox starts without them.
Every function here is synchronous and may be called from several threads at once.
"""

import importlib
import os
from dataclasses import dataclass
from types import ModuleType

__all__ = ["EngineUnavailable", "InvalidInput", "Sound", "load"]

_BYTES_PER_SAMPLE = 2

# On a machine with few or busy cores, numerical libraries that spin up a thread per core wait for each other and
# run several times slower than on one thread. They read these when they are first imported.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class EngineUnavailable(Exception):
    """An engine cannot be used on this machine; the message says why and how to install it.

    Attributes:
        engine: name of the package on the package index.
    """

    def __init__(self, engine: str, why: str = "is not installed") -> None:
        super().__init__(f"The sandbox's engine {engine} {why}: pip install 'webvoice-mcp[sandbox]'")
        self.engine = engine


class InvalidInput(Exception):
    """The input cannot be worked on; the message is a sentence for whoever sent it."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono sound in memory.

    Attributes:
        pcm: signed 16-bit little-endian samples.
        rate: samples per second.
        provider: the engine that made it, empty for a recording that was sent in.
    """

    pcm: bytes
    rate: int
    provider: str = ""

    @property
    def seconds(self) -> float:
        """The length of the sound."""
        return len(self.pcm) / _BYTES_PER_SAMPLE / self.rate


def load(module: str, engine: str) -> ModuleType:
    """Import a module of the extra; raises EngineUnavailable naming the package `engine`."""
    for variable in _ONE_THREAD:
        os.environ.setdefault(variable, "1")
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise EngineUnavailable(engine) from error
    except (ImportError, OSError) as error:  # installed, but a native library of it does not load here
        raise EngineUnavailable(engine, f"cannot be loaded ({error})") from error
