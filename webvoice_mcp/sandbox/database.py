"""What the sandbox remembers over a restart: accounts, keys, codes, credits, and who called when.

One SQLite file, used from the thread of the event loop alone; every call is short. Times are seconds since 1970.
"""

import hashlib
import sqlite3
import weakref
from pathlib import Path
from typing import Any, NamedTuple

# Credits are kept in millionths, as whole numbers: tenths of a credit have no exact binary fraction.
_UNIT = 1_000_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, credits INTEGER NOT NULL, purchased INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS keys (
    hash TEXT PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts (id), name TEXT NOT NULL,
    created_at REAL NOT NULL, last_used REAL NOT NULL, usage_count INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS codes (
    email TEXT PRIMARY KEY, code TEXT NOT NULL, expires_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS memos (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL REFERENCES accounts (id), title TEXT NOT NULL,
    text TEXT NOT NULL, created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS visits (what TEXT NOT NULL, who TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS visits_by_time ON visits (what, who, at);
"""


class Account(NamedTuple):
    """A registered address and its wallet; `purchased` says whether credits were ever bought."""

    id: int
    email: str
    credits: float
    purchased: bool


class Holder(NamedTuple):
    """Who called: the account, and the key that was used, this call counted."""

    account: Account
    key_name: str
    created_at: float
    last_used: float
    usage_count: int


class Database:
    """The sandbox's memory, in one file."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # An app that is simply let go, as tests do, leaves no open file behind.
        self.close = weakref.finalize(self, self._connection.close)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    def account(self, email: str) -> Account | None:
        """The account of an address, where there is one."""
        rows = self._rows("SELECT id, email, credits, purchased FROM accounts WHERE email = ?", email)
        return _account(*rows[0]) if rows else None

    def open_account(self, email: str, welcome: float) -> Account:
        """The account of an address, made with its welcome credits when it is new."""
        self._change("INSERT OR IGNORE INTO accounts (email, credits) VALUES (?, ?)", email, _units(welcome))
        (row,) = self._rows("SELECT id, email, credits, purchased FROM accounts WHERE email = ?", email)
        return _account(*row)

    def purchase(self, email: str, amount: float) -> float | None:
        """Add bought credits; the new balance, or None when nobody has that address."""
        self._change("UPDATE accounts SET credits = credits + ?, purchased = 1 WHERE email = ?", _units(amount), email)
        account = self.account(email)
        return account.credits if account else None

    def debit(self, account_id: int, amount: float) -> float | None:
        """Take credits in one step, so that calls at the same time cannot overspend.

        Returns:
            What is left, or None when there were too few.
        """
        units = _units(amount)
        update = "UPDATE accounts SET credits = credits - ? WHERE id = ? AND credits >= ?"
        if not self._change(update, units, account_id, units):
            return None
        ((left,),) = self._rows("SELECT credits FROM accounts WHERE id = ?", account_id)
        return float(left / _UNIT)

    def add_key(self, key: str, account_id: int, name: str, now: float) -> None:
        """Remember a key by its hash."""
        insert = "INSERT INTO keys (hash, account, name, created_at, last_used) VALUES (?, ?, ?, ?, ?)"
        self._change(insert, _hash(key), account_id, name, now, now)

    def use_key(self, key: str, now: float) -> Holder | None:
        """Whose key this is, with the use counted; None for a key that was never given out."""
        self._change("UPDATE keys SET last_used = ?, usage_count = usage_count + 1 WHERE hash = ?", now, _hash(key))
        rows = self._rows(
            "SELECT accounts.id, email, credits, purchased, name, created_at, last_used, usage_count"
            " FROM keys JOIN accounts ON accounts.id = account WHERE hash = ?",
            _hash(key),
        )
        return Holder(_account(*rows[0][:4]), *rows[0][4:]) if rows else None

    def put_code(self, email: str, code: str, expires_at: float) -> None:
        """Remember the code of an address; an earlier one is void."""
        self._change("REPLACE INTO codes (email, code, expires_at) VALUES (?, ?, ?)", email, code, expires_at)

    def take_code(self, email: str, code: str, now: float, attempts: int) -> bool:
        """Whether this is the address's valid code, which is then used up. So many wrong tries void it."""
        found = self._change("DELETE FROM codes WHERE email = ? AND code = ? AND expires_at > ?", email, code, now)
        self._change("UPDATE codes SET attempts = attempts + 1 WHERE email = ?", email)
        self._change("DELETE FROM codes WHERE email = ? AND attempts >= ?", email, attempts)
        return found > 0

    def add_memo(self, account_id: int, title: str, text: str, now: float) -> int:
        """Keep a voice memo; its number, which no other memo ever has."""
        insert = "INSERT INTO memos (account, title, text, created_at) VALUES (?, ?, ?, ?) RETURNING id"
        ((number,),) = self._rows(insert, account_id, title, text, now)
        return int(number)

    def visit(self, what: str, who: str, now: float) -> None:
        """Note a call that counts towards a limit."""
        self._change("INSERT INTO visits VALUES (?, ?, ?)", what, who, now)

    def visits(self, what: str, who: str, since: float) -> list[float]:
        """When such calls were made after a moment, oldest first."""
        rows = self._rows("SELECT at FROM visits WHERE what = ? AND who = ? AND at > ? ORDER BY at", what, who, since)
        return [at for (at,) in rows]

    def forget_visits(self, before: float) -> None:
        """Drop what no limit asks for any more."""
        self._change("DELETE FROM visits WHERE at <= ?", before)

    def _change(self, statement: str, *values: object) -> int:
        """How many rows it changed."""
        return self._connection.execute(statement, values).rowcount

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, values).fetchall()


def _account(number: int, email: str, units: int, purchased: int) -> Account:
    return Account(number, email, units / _UNIT, bool(purchased))


def _units(amount: float) -> int:
    return round(amount * _UNIT)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
