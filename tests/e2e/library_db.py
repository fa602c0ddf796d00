"""A library's content in a form that two libraries can be compared in, and a log of what its stages did.

Reads library.db as it lies on the disk, whatever the tables are called: the schema itself says which column
refers to which row. So a column that is added later is compared without a change here.
"""

import contextlib
import shutil
import sqlite3
import tempfile
from pathlib import Path

# Counts of commits, which a resumed library has more of; and a library's own name.
NOT_COMPARED = {("library", "changes"), ("library", "answers"), ("title", "change"), ("library", "identity")}
NO_CONTENT = {"pace", "epoch", "changed"}  # how long things took; when which process changed what
LOG = "e2e_log"


@contextlib.contextmanager
def copied(library):
    """A connection to a copy: looking at a library after a kill must not mend it."""
    with tempfile.TemporaryDirectory(dir=Path(library).parent) as folder:
        shutil.copytree(library, f"{folder}/library")
        with contextlib.closing(sqlite3.connect(f"{folder}/library/library.db")) as db:
            yield db


def tables(db):
    names = [name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    virtual = [name for name, in db.execute("SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL%'")]
    return [n for n in names if n != LOG and n not in NO_CONTENT and not n.startswith("sqlite_")
            and not any(n == v or n.startswith(f"{v}_") for v in virtual)]


class Content:
    """tables: {name: sorted rows}. A row is its values; what refers to another row holds that row instead."""

    def __init__(self, db):
        self.db = db
        self.rows = {}  # (table, key) -> row
        self.tables = {name: sorted(self.table(name), key=repr) for name in tables(db)}

    def table(self, name):
        columns = [(c[1], c[5]) for c in self.db.execute(f"PRAGMA table_info({name})")]
        refers = {f[3]: f[2] for f in self.db.execute(f"PRAGMA foreign_key_list({name})")}
        keys = [c for c, primary in columns if primary]
        for values in self.db.execute(f"SELECT * FROM {name}").fetchall():
            row = []
            for (column, primary), value in zip(columns, values):
                if (name, column) in NOT_COMPARED or (primary and len(keys) == 1 and column not in refers):
                    continue
                row.append((column, self.row(refers[column], value) if column in refers else value))
            yield tuple(row)

    def row(self, table, key):
        if key is None:
            return None
        if (table, key) not in self.rows:
            columns = [c[1] for c in self.db.execute(f"PRAGMA table_info({table})")]
            refers = {f[3]: f[2] for f in self.db.execute(f"PRAGMA foreign_key_list({table})")}
            primary = next(c[1] for c in self.db.execute(f"PRAGMA table_info({table})") if c[5])
            values = self.db.execute(f"SELECT * FROM {table} WHERE {primary} = ?", (key,)).fetchone()
            assert values, f"{table} has no {key}, which something refers to"
            self.rows[table, key] = tuple(
                (c, self.row(refers[c], v) if c in refers else v) for c, v in zip(columns, values)
                if c != primary and (table, c) not in NOT_COMPARED)
        return self.rows[table, key]


def differences(a, b):
    """What is not the same in two libraries, in words."""
    with copied(a) as left, copied(b) as right:
        one, two = Content(left).tables, Content(right).tables
    if set(one) != set(two):
        return [f"tables {sorted(one)} and {sorted(two)}"]
    found = []
    for name in one:
        only_one = [r for r in one[name] if r not in two[name]]
        only_two = [r for r in two[name] if r not in one[name]]
        if only_one or only_two or len(one[name]) != len(two[name]):
            found.append(f"{name}: {len(one[name])} and {len(two[name])} rows, {len(only_one)} and {len(only_two)} "
                         f"of them differ, first {brief((only_one + only_two + [()])[0])}")
    return found


def brief(row):
    return repr([(c, f"<{len(v)} bytes>" if isinstance(v, bytes) else v) for c, v in row])[:300]


def counts(library):
    with copied(library) as db:
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables(db)}


def damage(library):
    """What SQLite itself finds wrong with the file, its keys and its full-text index."""
    with copied(library) as db:
        found = [line for line, in db.execute("PRAGMA integrity_check") if line != "ok"]
        found += [f"{t} row {r} refers to nothing in {p}" for t, r, p, _ in db.execute("PRAGMA foreign_key_check")]
        if not found and "segment" not in tables(db):
            return found  # ended before its tables were made
        try:
            db.execute("INSERT INTO segment_text (segment_text, rank) VALUES ('integrity-check', 1)")
        except sqlite3.Error as error:
            found.append(f"full-text index: {error}")
        return found


def done_stages(library):
    """{(title's id, stage)} of what is committed, failures too."""
    with copied(library) as db:
        return {(i.hex(), s) for i, s in db.execute(
            "SELECT title.id, stage.stage FROM stage JOIN title ON title.key = stage.title")}


def log_stages(library):
    """From now on every write to the table of stages leaves a row in a table of ours, by triggers."""
    with contextlib.closing(sqlite3.connect(f"{library}/library.db")) as db:
        db.execute(f"CREATE TABLE {LOG} (id BLOB, stage INTEGER, what TEXT)")
        for what in ("INSERT", "UPDATE", "DELETE"):
            row = "old" if what == "DELETE" else "new"
            db.execute(f"CREATE TRIGGER {LOG}_{what} AFTER {what} ON stage BEGIN INSERT INTO {LOG}"
                       f" SELECT id, {row}.stage, '{what}' FROM title WHERE key = {row}.title; END")
        db.commit()


def logged(library):
    with copied(library) as db:
        return [(i.hex(), s, what) for i, s, what in db.execute(f"SELECT id, stage, what FROM {LOG}")]
