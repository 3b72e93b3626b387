"""Docstrings as descriptions for the model."""

import inspect
from collections.abc import Callable
from typing import Any


def docstring(function: Callable[..., Any]) -> str:
    """Return a function's docstring without its indentation.

    Python leaves docstrings out if it is told to (-OO or PYTHONOPTIMIZE=2); then it is read from the source.
    """
    if function.__doc__ is not None:
        return inspect.cleandoc(function.__doc__)
    import ast  # noqa: PLC0415 - only needed where docstrings are left out

    (definition,) = ast.parse(inspect.getsource(function)).body
    return ast.get_docstring(definition) or "" if isinstance(definition, ast.AsyncFunctionDef) else ""
