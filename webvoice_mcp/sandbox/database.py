"""Accounts, keys, login codes, credits, memos and recent calls, in one SQLite file.

Only the event loop's thread uses it: every statement is short. Times are seconds since 1970.
"""

import hashlib
import sqlite3
import weakref
from pathlib import Path
from typing import Any, NamedTuple

# Credits are stored as whole millionths, because 0.1 has no exact value as a binary fraction.
_UNITS_PER_CREDIT = 1_000_000

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
    """A registered address and its credits.

    Attributes:
        has_purchased: True if credits were ever bought.
    """

    id: int
    email: str
    credits: float
    has_purchased: bool


class ApiKey(NamedTuple):
    """A key and its account; `usage_count` includes the use that looked it up."""

    account: Account
    name: str
    created_at: float
    last_used: float
    usage_count: int


class Database:
    """A connection to the sandbox's database file."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # The file is also closed if the application is garbage-collected without a shutdown.
        self.close = weakref.finalize(self, self._connection.close)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    def find_account(self, email: str) -> Account | None:
        """Return the account of an address, or None."""
        rows = self._fetch_all("SELECT id, email, credits, purchased FROM accounts WHERE email = ?", email)
        return _account(*rows[0]) if rows else None

    def open_account(self, email: str, welcome_credits: float) -> Account:
        """Return the account of an address; create it with its welcome credits if it is new."""
        self._execute("INSERT OR IGNORE INTO accounts (email, credits) VALUES (?, ?)", email, _units(welcome_credits))
        (row,) = self._fetch_all("SELECT id, email, credits, purchased FROM accounts WHERE email = ?", email)
        return _account(*row)

    def add_purchase(self, email: str, amount: float) -> float | None:
        """Add bought credits and return the new balance, or None if there is no such account."""
        self._execute("UPDATE accounts SET credits = credits + ?, purchased = 1 WHERE email = ?", _units(amount), email)
        account = self.find_account(email)
        return account.credits if account else None

    def deduct_credits(self, account_id: int, amount: float) -> float | None:
        """Deduct credits; one statement does it, so that simultaneous calls cannot overspend.

        Returns:
            The new balance, or None if the account has fewer credits than the amount.
        """
        units = _units(amount)
        update = "UPDATE accounts SET credits = credits - ? WHERE id = ? AND credits >= ?"
        if not self._execute(update, units, account_id, units):
            return None
        ((balance,),) = self._fetch_all("SELECT credits FROM accounts WHERE id = ?", account_id)
        return float(balance / _UNITS_PER_CREDIT)

    def add_key(self, key: str, account_id: int, name: str, now: float) -> None:
        """Store a key's hash."""
        insert = "INSERT INTO keys (hash, account, name, created_at, last_used) VALUES (?, ?, ?, ?, ?)"
        self._execute(insert, _hash(key), account_id, name, now, now)

    def use_key(self, key: str, now: float) -> ApiKey | None:
        """Count a use of a key and return the key, or None if it is unknown."""
        self._execute("UPDATE keys SET last_used = ?, usage_count = usage_count + 1 WHERE hash = ?", now, _hash(key))
        rows = self._fetch_all(
            "SELECT accounts.id, email, credits, purchased, name, created_at, last_used, usage_count"
            " FROM keys JOIN accounts ON accounts.id = account WHERE hash = ?",
            _hash(key),
        )
        return ApiKey(_account(*rows[0][:4]), *rows[0][4:]) if rows else None

    def set_code(self, email: str, code: str, expires_at: float) -> None:
        """Store the login code of an address; it replaces an earlier one."""
        self._execute("REPLACE INTO codes (email, code, expires_at) VALUES (?, ?, ?)", email, code, expires_at)

    def redeem_code(self, email: str, code: str, now: float, max_attempts: int) -> bool:
        """Return True if this is the valid code of the address, and delete it. Too many attempts delete it as well."""
        found = self._execute("DELETE FROM codes WHERE email = ? AND code = ? AND expires_at > ?", email, code, now)
        self._execute("UPDATE codes SET attempts = attempts + 1 WHERE email = ?", email)
        self._execute("DELETE FROM codes WHERE email = ? AND attempts >= ?", email, max_attempts)
        return found > 0

    def add_memo(self, account_id: int, title: str, text: str, now: float) -> int:
        """Store a voice memo and return its id, which is never reused."""
        insert = "INSERT INTO memos (account, title, text, created_at) VALUES (?, ?, ?, ?) RETURNING id"
        ((memo_id,),) = self._fetch_all(insert, account_id, title, text, now)
        return int(memo_id)

    def record_call(self, action: str, caller: str, now: float) -> None:
        """Record a call that counts towards a rate limit."""
        self._execute("INSERT INTO visits VALUES (?, ?, ?)", action, caller, now)

    def calls_since(self, action: str, caller: str, since: float) -> list[float]:
        """Return the times of the caller's recorded calls after `since`, oldest first."""
        query = "SELECT at FROM visits WHERE what = ? AND who = ? AND at > ? ORDER BY at"
        rows = self._fetch_all(query, action, caller, since)
        return [at for (at,) in rows]

    def delete_calls(self, before: float) -> None:
        """Delete the recorded calls up to a time; no rate limit counts them any more."""
        self._execute("DELETE FROM visits WHERE at <= ?", before)

    def _execute(self, statement: str, *values: object) -> int:
        """Execute a statement and return the number of changed rows."""
        return self._connection.execute(statement, values).rowcount

    def _fetch_all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, values).fetchall()


def _account(account_id: int, email: str, units: int, purchased: int) -> Account:
    return Account(account_id, email, units / _UNITS_PER_CREDIT, bool(purchased))


def _units(amount: float) -> int:
    return round(amount * _UNITS_PER_CREDIT)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
