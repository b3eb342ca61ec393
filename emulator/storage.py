"""Durable rows and tables on SQLite.

One ordered table holds all rows under the keys of `emulator.keys`. WAL with synchronous=NORMAL:
a committed change survives the death of the process at any point (it is in the page cache of the
operating system), and a power cut can lose the last commits but never mixes them up. The exclusive
lock keeps a second server off the same folder.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tables (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
                                   document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counters (table_id INTEGER PRIMARY KEY, value INTEGER NOT NULL);
"""
_PAGE = 512  # rows fetched at a time in a scan

Changes = Mapping[bytes, bytes | None]
"""Row key -> stored row, None to remove it."""


class StoreBusyError(Exception):
    """Another process holds the database."""


class Store:
    """The database; every method is one transaction. Used from one thread."""

    def __init__(self, folder: Path | None) -> None:
        if folder is None:
            path = ":memory:"
        else:
            folder.mkdir(parents=True, exist_ok=True)
            path = str(folder / "tablestore.db")
        self._db = sqlite3.connect(path, isolation_level=None, timeout=2.0)
        try:
            for pragma in (
                "locking_mode=EXCLUSIVE",
                "journal_mode=WAL",
                "synchronous=NORMAL",
                "cache_size=-65536",
                "wal_autocheckpoint=16000",
            ):
                self._db.execute(f"PRAGMA {pragma}").fetchall()
            self._db.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            self._db.close()
            if "locked" in str(error):
                raise StoreBusyError(f"{path} is in use by another process") from None
            raise

    def close(self) -> None:
        """Close the database; nothing is lost without it."""
        self._db.close()

    @property
    def changes(self) -> int:
        """Rows of the database (tables and counters among them) changed since it was opened."""
        return self._db.total_changes

    # ---- rows ----------------------------------------------------------------------------

    def get(self, key: bytes) -> bytes | None:
        """Return a stored row."""
        found = self._db.execute("SELECT v FROM rows WHERE k = ?", (key,)).fetchone()
        return None if found is None else found[0]

    def write(self, changes: Changes, counters: Mapping[int, int] | None = None) -> None:
        """Apply changes (and set auto-increment counters) in one transaction."""
        puts = [(key, row) for key, row in changes.items() if row is not None]
        deletes = [(key,) for key, row in changes.items() if row is None]
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            if puts:
                db.executemany("INSERT OR REPLACE INTO rows (k, v) VALUES (?, ?)", puts)
            if deletes:
                db.executemany("DELETE FROM rows WHERE k = ?", deletes)
            if counters:
                db.executemany(
                    "INSERT OR REPLACE INTO counters (table_id, value) VALUES (?, ?)",
                    list(counters.items()),
                )
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def scan(
        self, begin: bytes, end: bytes, backward: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield rows with begin <= key < end, or, backward, begin >= key > end."""
        if backward:
            query = "SELECT k, v FROM rows WHERE k <= ? AND k > ? ORDER BY k DESC LIMIT ?"
        else:
            query = "SELECT k, v FROM rows WHERE k >= ? AND k < ? ORDER BY k LIMIT ?"
        while True:
            page = self._db.execute(query, (begin, end, _PAGE)).fetchall()
            yield from page
            if len(page) < _PAGE:
                return
            last: bytes = page[-1][0]
            if backward:
                query = "SELECT k, v FROM rows WHERE k < ? AND k > ? ORDER BY k DESC LIMIT ?"
            else:
                query = "SELECT k, v FROM rows WHERE k > ? AND k < ? ORDER BY k LIMIT ?"
            begin = last

    def count(self, begin: bytes, end: bytes) -> int:
        """Return the number of rows with begin <= key < end."""
        query = "SELECT count(*) FROM rows WHERE k >= ? AND k < ?"
        return int(self._db.execute(query, (begin, end)).fetchone()[0])

    def sizes(self, begin: bytes, end: bytes) -> Iterable[tuple[bytes, int]]:
        """Yield key and stored bytes of each row of a range, in order."""
        query = "SELECT k, length(k) + length(v) FROM rows WHERE k >= ? AND k < ? ORDER BY k"
        return self._db.execute(query, (begin, end))

    # ---- tables --------------------------------------------------------------------------

    def tables(self) -> list[tuple[int, str, str]]:
        """Return id, data model ("table" or "timeseries") and document of every table."""
        return self._db.execute("SELECT id, kind, document FROM tables ORDER BY id").fetchall()

    def add_table(self, model: str, document: str) -> int:
        """Store a new table and return its id, which is never used again."""
        query = "INSERT INTO tables (kind, document) VALUES (?, ?)"
        return int(self._db.execute(query, (model, document)).lastrowid or 0)

    def set_table(self, table_id: int, document: str) -> None:
        """Replace the document of a table."""
        self._db.execute("UPDATE tables SET document = ? WHERE id = ?", (document, table_id))

    def drop_table(self, table_id: int, begin: bytes, end: bytes) -> None:
        """Remove a table, its counter and the rows with begin <= key < end."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("DELETE FROM tables WHERE id = ?", (table_id,))
        self._db.execute("DELETE FROM counters WHERE table_id = ?", (table_id,))
        self._db.execute("DELETE FROM rows WHERE k >= ? AND k < ?", (begin, end))
        self._db.execute("COMMIT")

    def counter(self, table_id: int) -> int:
        """Return the last auto-increment value of a table."""
        query = "SELECT value FROM counters WHERE table_id = ?"
        found = self._db.execute(query, (table_id,)).fetchone()
        return 0 if found is None else int(found[0])
