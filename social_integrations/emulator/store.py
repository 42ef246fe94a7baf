"""The emulator's memory: one SQLite database shared by all threads."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Row = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS page (
    position INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, name TEXT NOT NULL,
    in_business INTEGER NOT NULL DEFAULT 0,
    account_id TEXT UNIQUE, username TEXT UNIQUE, account_name TEXT,
    subscribed_fields TEXT, login_fields TEXT, message_access INTEGER NOT NULL DEFAULT 1,
    linked INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS customer (
    position INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL,
    username TEXT UNIQUE NOT NULL, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS scoped (
    igsid TEXT PRIMARY KEY, account_id TEXT NOT NULL, customer_id TEXT NOT NULL,
    UNIQUE (account_id, customer_id));
CREATE TABLE IF NOT EXISTS code (
    code TEXT PRIMARY KEY, redirect_uri TEXT NOT NULL, scopes TEXT NOT NULL,
    declined TEXT NOT NULL, pages TEXT NOT NULL, issued_at REAL NOT NULL, used_at REAL,
    login TEXT NOT NULL DEFAULT 'facebook');
CREATE TABLE IF NOT EXISTS token (
    token TEXT PRIMARY KEY, kind TEXT NOT NULL, page_id TEXT, scopes TEXT NOT NULL,
    declined TEXT NOT NULL, pages TEXT NOT NULL, issued_at REAL NOT NULL,
    expires_at REAL NOT NULL, dead_subcode INTEGER NOT NULL DEFAULT 0,
    taken_back TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS message (
    position INTEGER PRIMARY KEY, mid TEXT UNIQUE NOT NULL, account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL, author TEXT NOT NULL, text TEXT, attachments TEXT NOT NULL,
    reply_to TEXT, sent_at INTEGER NOT NULL, unsent_at INTEGER, seen_at INTEGER,
    kind TEXT NOT NULL DEFAULT 'text', extra TEXT NOT NULL DEFAULT '{}',
    num_edit INTEGER NOT NULL DEFAULT 0, clock_ms INTEGER NOT NULL DEFAULT 0,
    reads INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS message_thread ON message (account_id, customer_id);
CREATE TABLE IF NOT EXISTS reaction (
    mid TEXT NOT NULL, customer_id TEXT NOT NULL, reaction TEXT NOT NULL, emoji TEXT NOT NULL,
    PRIMARY KEY (mid, customer_id));
CREATE TABLE IF NOT EXISTS upload (
    key TEXT PRIMARY KEY, name TEXT NOT NULL, content_type TEXT NOT NULL, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, kind TEXT NOT NULL,
    body BLOB NOT NULL, signed INTEGER NOT NULL, status TEXT NOT NULL, detail TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, last_status INTEGER,
    created_at REAL NOT NULL, next_at REAL NOT NULL, finished_at REAL,
    signer TEXT NOT NULL DEFAULT 'meta');
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (status, next_at);
CREATE TABLE IF NOT EXISTS held (
    id INTEGER PRIMARY KEY AUTOINCREMENT, signer TEXT NOT NULL, kind TEXT NOT NULL,
    entry TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fault (
    id INTEGER PRIMARY KEY AUTOINCREMENT, pattern TEXT NOT NULL, status INTEGER NOT NULL,
    body TEXT NOT NULL, remaining INTEGER NOT NULL, form TEXT NOT NULL DEFAULT 'json',
    seconds REAL NOT NULL DEFAULT 0, headers TEXT NOT NULL DEFAULT '{}',
    only TEXT NOT NULL DEFAULT '', usage INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS thread (
    account_id TEXT NOT NULL, customer_id TEXT NOT NULL, owner TEXT NOT NULL DEFAULT '',
    owned_until INTEGER NOT NULL DEFAULT 0, typing_until INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, customer_id));
CREATE TABLE IF NOT EXISTS attachment (
    id TEXT PRIMARY KEY, page_id TEXT NOT NULL, type TEXT NOT NULL, path TEXT NOT NULL,
    uploaded_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS comment (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, customer_id TEXT NOT NULL,
    text TEXT NOT NULL, media TEXT NOT NULL, is_live INTEGER NOT NULL,
    sent_at INTEGER NOT NULL, clock_ms INTEGER NOT NULL, replied_mid TEXT);
CREATE TABLE IF NOT EXISTS sent (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, login TEXT NOT NULL,
    account_id TEXT NOT NULL, customer_id TEXT NOT NULL, recipient TEXT NOT NULL,
    what TEXT NOT NULL, request TEXT NOT NULL, done INTEGER NOT NULL, http INTEGER NOT NULL,
    code INTEGER NOT NULL, subcode INTEGER NOT NULL, wire TEXT NOT NULL, mid TEXT,
    digest TEXT NOT NULL);
"""

TABLES = (
    "setting", "page", "customer", "scoped", "code", "token", "message", "reaction", "upload",
    "delivery", "held", "fault", "thread", "attachment", "comment", "sent",
)  # fmt: skip


class Store:
    """A lock around one connection: every statement is short, so waiting for it is cheap."""

    def __init__(self, path: str = "") -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(
            path or ":memory:", check_same_thread=False, isolation_level=None
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA)
        self._add_missing_columns()

    def _add_missing_columns(self) -> None:
        """Bring an earlier version's file up to date; new columns have a default or allow null."""
        fresh = sqlite3.connect(":memory:")
        fresh.executescript(SCHEMA)
        for table in TABLES:
            known = {row[1] for row in self._connection.execute(f"PRAGMA table_info({table})")}
            for _, name, kind, needed, default, _ in fresh.execute(f"PRAGMA table_info({table})"):
                if name not in known:
                    rule = f"NOT NULL DEFAULT {default}" if needed else ""
                    self._connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind} {rule}")
        fresh.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep other threads out and undo everything on an exception; may be nested."""
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                if outermost:
                    self._connection.execute("ROLLBACK")
                raise
            else:
                if outermost:
                    self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    def run(self, sql: str, *values: object) -> int:
        """Change something; return the new row's number."""
        with self._lock:
            return self._connection.execute(sql, values).lastrowid or 0

    def all(self, sql: str, *values: object) -> list[Row]:
        """Read rows."""
        with self._lock:
            return [dict(row) for row in self._connection.execute(sql, values)]

    def one(self, sql: str, *values: object) -> Row | None:
        """Read the first row, if any."""
        return next(iter(self.all(sql, *values)), None)

    def setting(self, key: str) -> Any:
        """Read a remembered value; None when it was never set."""
        row = self.one("SELECT value FROM setting WHERE key = ?", key)
        return None if row is None else json.loads(row["value"])

    def remember(self, key: str, value: object) -> None:
        """Keep a value under a key."""
        self.run("INSERT OR REPLACE INTO setting VALUES (?, ?)", key, json.dumps(value))

    def clear(self) -> None:
        """Forget everything."""
        with self.transaction():
            for table in TABLES:
                self.run(f"DELETE FROM {table}")  # noqa: S608 - names from the tuple above
