"""Compares decisions with pySigma's SQLite backend.

Usage: sqlite.py PAIRS DECISIONS. PAIRS are those of pairs.py, DECISIONS one line each: true, false, or null for a rule that
was not loaded. A rule becomes a query, its events rows of a table whose columns are the fields. Left out are rules that the
backend does not convert, and events that a row cannot hold: lists and booleans. A disagreement is printed, and the
exit code is 1.
"""

import collections
import itertools
import json
import re
import sqlite3
import sys

from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError

SHOWN = 1


def query(file):
    """The condition of a rule as SQL; None if the backend does not convert it."""
    try:
        rules = SigmaCollection.from_yaml(open(file, encoding="utf-8").read())
        queries = sqliteBackend().convert(rules)
    except (SigmaError, NotImplementedError, TypeError, ValueError):
        return None
    return queries[0] if len(queries) == 1 else None


def column(name):
    return '"' + name.replace('"', '""') + '"'


def decide(sql, events):
    """For each event, whether the query finds it; None if a row cannot hold it or the query fails."""
    fields = {name.casefold(): name for event in events for name in event}
    while True:
        try:
            return decide_with(sql, events, list(fields.values()))
        except sqlite3.OperationalError as error:
            missing = re.fullmatch(r"no such column: (.*)", str(error))
            if not missing or missing[1].casefold() in fields:
                return [None] * len(events)
            fields[missing[1].casefold()] = missing[1]


def decide_with(sql, events, fields):
    base = sqlite3.connect(":memory:")
    base.create_function("regexp", 2, lambda pattern, text: text is not None and bool(re.search(pattern, str(text))))
    # Sigma compares texts without regard to case, and numbers with texts.
    columns = ", ".join(f"{column(name)} TEXT COLLATE NOCASE" for name in fields)
    base.execute(f"CREATE TABLE logs (number_of_the_event INTEGER, {columns})")
    places = ", ".join("?" for _ in range(len(fields) + 1))
    held = set()
    for number, event in enumerate(events):
        if any(isinstance(value, (list, bool)) for value in event.values()):
            continue
        held.add(number)
        values = {name.casefold(): value for name, value in event.items()}
        row = [values.get(name.casefold()) for name in fields]
        row = [None if value is None else str(value) for value in row]
        base.execute(f"INSERT INTO logs VALUES ({places})", [number, *row])
    found = {row[0] for row in base.execute(sql)}
    return [number in found if number in held else None for number in range(len(events))]


def main():
    pairs = (json.loads(line) for line in open(sys.argv[1], encoding="utf-8"))
    decisions = (json.loads(line) for line in open(sys.argv[2], encoding="utf-8"))
    decided = 0
    unconverted = 0
    others = collections.defaultdict(list)
    together = zip(pairs, decisions, strict=True)
    for file, group in itertools.groupby(together, key=lambda pair: pair[0]["file"]):
        group = list(group)
        sql = query(file)
        if sql is None:
            unconverted += 1
            continue
        events = [pair["event"] for pair, _ in group]
        for (pair, ours), theirs in zip(group, decide(sql, events), strict=True):
            if ours is None or theirs is None:
                continue
            decided += 1
            if ours != theirs:
                others[file].append(f"watchbell {ours}, SQLite {theirs}: {json.dumps(pair['event'])}")
    count = sum(len(texts) for texts in others.values())
    print(f"{decided} pairs decided by both, {unconverted} rules not converted; SQLite decides {count} otherwise")
    for file, texts in sorted(others.items()):
        print(f"  {file}: {len(texts)}")
        for text in texts[:SHOWN]:
            print(f"    {text}")
    sys.exit(1 if others else 0)


main()
