"""Reads the topic of one destination and writes its events to SQLite, each once.

    pip install -r requirements.txt
    python consumer.py --topic tributary.destination.amplitude --database events.db

Delivery is at least once, so a record can come twice: after an outage of the server's Kafka, or when this program ends
between writing rows and committing offsets. The primary key on message_id makes the second time do nothing.

Rows are committed first and offsets after them. Whatever happens in between, nothing is lost.

A record that does not fit the table (text with half a character in it, an object where text was expected, no JSON at all)
costs its own row: it goes to the table `refused` as it came, with the reason.
"""

import argparse
import json
import signal
import sqlite3
import sys

from kafka import KafkaConsumer
from kafka.errors import KafkaError

# JSON's integers may be of any length; without this one of more than 4,300 digits is an error.
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)

TABLE = """
CREATE TABLE IF NOT EXISTS events (
  message_id  TEXT PRIMARY KEY,
  type        TEXT NOT NULL,
  source      TEXT NOT NULL,
  user_id     TEXT,
  anonymous_id TEXT,
  event       TEXT,
  timestamp   TEXT NOT NULL,
  received_at TEXT NOT NULL,
  options     TEXT,
  record      TEXT NOT NULL
)
"""

INSERT = "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

REFUSED_TABLE = """
CREATE TABLE IF NOT EXISTS refused (
  topic      TEXT NOT NULL,
  partition  INTEGER NOT NULL,
  position   INTEGER NOT NULL,
  reason     TEXT NOT NULL,
  record     BLOB,
  PRIMARY KEY (topic, partition, position)
)
"""

INSERT_REFUSED = "INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?, ?)"


def text(event, name, required=False):
    """A field as SQLite takes it. JSON may hold half of a surrogate pair, which is no text in UTF-8."""
    value = event.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} holds half of a surrogate pair") from None
    return value


def row(value, destination):
    """A record's value as a row. What `integrations` says of this destination, if it is an object, are its options."""
    event = json.loads(value)
    if not isinstance(event, dict):
        raise ValueError("the record is no JSON object")
    integrations = event.get("integrations")
    said = integrations.get(destination) if isinstance(integrations, dict) else None
    return (
        text(event, "messageId", required=True),
        text(event, "type", required=True),
        text(event, "projectId", required=True),
        text(event, "userId"),
        text(event, "anonymousId"),
        text(event, "event"),
        text(event, "timestamp", required=True),
        text(event, "receivedAt", required=True),
        json.dumps(said) if isinstance(said, dict) else None,
        value.decode(),
    )


def split(records, destination):
    """The rows of those records that make one, and of the others what to keep aside."""
    rows, refused = [], []
    for record in records:
        try:
            rows.append(row(record.value, destination))
        except Exception as error:  # Whatever is wrong with one record must not stop the others.
            reason = str(error).encode(errors="backslashreplace").decode()
            refused.append((record.topic, record.partition, record.offset, reason, record.value))
    return rows, refused


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", default="127.0.0.1:9092")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--destination", help="its name in tributary.yml, to keep the options that senders give for it")
    parser.add_argument("--group", default="tributary-example-python")
    parser.add_argument("--timeout", type=float, default=30, help="seconds that Kafka may take to answer at the start")
    options = parser.parse_args()

    running = True

    def stop(_signal, _frame):
        nonlocal running
        running = False

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)

    database = sqlite3.connect(options.database)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(TABLE)
    database.execute(REFUSED_TABLE)
    try:
        consumer = KafkaConsumer(
            options.topic,
            bootstrap_servers=options.brokers.split(","),
            group_id=options.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # After so long another member takes over from one that was killed.
            session_timeout_ms=10_000,
            bootstrap_timeout_ms=int(options.timeout * 1000),
        )
    except KafkaError as error:
        sys.exit(f"Kafka at {options.brokers} cannot be read: {error}")
    print("reading", options.topic, flush=True)
    while running:
        batches = consumer.poll(timeout_ms=500, max_records=1000)
        rows, refused = split([record for records in batches.values() for record in records], options.destination)
        if not rows and not refused:
            continue
        with database:
            database.executemany(INSERT, rows)
            database.executemany(INSERT_REFUSED, refused)
        consumer.commit()
    consumer.close()
    database.close()


main()
