"""Reads the topic of one destination and writes its events to SQLite, each once.

    pip install -r requirements.txt
    python consumer.py --topic tributary.destination.amplitude --database events.db

Delivery is at least once, so a record can come twice: after an outage of the server's Kafka, or when this program ends
between writing rows and committing offsets. The primary key on message_id makes the second time do nothing.

Rows are committed first and offsets after them. Whatever happens in between, nothing is lost.
"""

import argparse
import json
import signal
import sqlite3

from kafka import KafkaConsumer

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


def row(value, destination):
    """A record's value as a row. What `integrations` says of this destination, if it is an object, are its options."""
    event = json.loads(value)
    said = (event.get("integrations") or {}).get(destination) if destination else None
    return (
        event["messageId"],
        event["type"],
        event["projectId"],
        event.get("userId"),
        event.get("anonymousId"),
        event.get("event"),
        event["timestamp"],
        event["receivedAt"],
        json.dumps(said) if isinstance(said, dict) else None,
        value.decode(),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", default="127.0.0.1:9092")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--destination", help="its name in tributary.yml, to keep the options that senders give for it")
    parser.add_argument("--group", default="tributary-example-python")
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
    consumer = KafkaConsumer(
        options.topic,
        bootstrap_servers=options.brokers.split(","),
        group_id=options.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        # After so long another member takes over from one that was killed.
        session_timeout_ms=10_000,
    )
    print("reading", options.topic, flush=True)
    while running:
        batches = consumer.poll(timeout_ms=500, max_records=1000)
        rows = [row(record.value, options.destination) for records in batches.values() for record in records]
        if not rows:
            continue
        with database:
            database.executemany(INSERT, rows)
        consumer.commit()
    consumer.close()
    database.close()


main()
