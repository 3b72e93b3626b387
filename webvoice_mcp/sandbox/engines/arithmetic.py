"""Sums as people type them, worked out exactly."""

import ast
import operator
import re
from fractions import Fraction

_MAX_CHARACTERS = 200
_MAX_POWER, _MAX_BASE = 64, 10**9
_LEAD = re.compile(r"(?:what\s+is|what['\u2019]s|how\s+much\s+is|calculate)?[\s:]*(.+?)[\s=?.!]*", re.IGNORECASE)
_WORDS = {"plus": "+", "minus": "-", "times": "*", "x": "*", "\xd7": "*", "divided by": "/", "^": "**", "% of": "/100*"}
_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def calculate(asked: str) -> str:
    """Return `sum = result` for a question that is one sum, else an empty string."""
    found = _LEAD.fullmatch(asked) if len(asked) <= _MAX_CHARACTERS else None
    written = found[1].lower() if found else ""
    for word, sign in _WORDS.items():
        written = written.replace(word, sign)
    if not found or not re.fullmatch(r"[\d.\s()*/+-]+", written) or written.replace(".", "").isdigit():
        return ""
    try:
        value = _value(ast.parse(written, mode="eval").body)
        return f"{found[1]} = {value if value.denominator == 1 else format(float(value), '.12g')}"
    except ZeroDivisionError:
        return f"{found[1]} divides by zero."
    except (ArithmeticError, MemoryError, RecursionError, SyntaxError, ValueError):
        return ""


def _value(node: ast.AST) -> Fraction:
    match node:
        case ast.Constant(value=number):
            return Fraction(str(number))
        case ast.UnaryOp(op=sign, operand=operand):
            return -_value(operand) if isinstance(sign, ast.USub) else _value(operand)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base, power = _value(left), _value(right)
            if abs(power) <= _MAX_POWER and power.denominator == 1 and abs(base) <= _MAX_BASE >= base.denominator:
                return base ** int(power)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_value(left), _value(right))
    raise ValueError(node)
