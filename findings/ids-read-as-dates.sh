#!/bin/sh
# Ids that look like something are read as it: DuckDB, ClickHouse and PyArrow make dates of "2026-11-28", DuckDB a UUID of what
# looks like one (and writes it in lower case, so that it equals no longer the text that was sent), pandas a number of "007".
# duckdb 2.0.1, chdb 4.4.0, pyarrow 26.0.1, pandas 3.1.1, seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install_python duckdb==2.0.1 chdb==4.4.0 pyarrow==26.0.1 pandas==3.1.1
measure_python <<'PROGRAM'
import json
import chdb, duckdb, pandas
import pyarrow.json

ids = {"day": "2026-11-28", "uuid": "3F2504E0-4F89-41D3-9A0C-0305E82C3301", "digits": "007"}
with open("events.ndjson", "w") as file:
    file.write(json.dumps(ids) + "\n")

print("DuckDB:", *duckdb.sql("select day::VARCHAR, typeof(day), uuid::VARCHAR, typeof(uuid), digits, typeof(digits) from 'events.ndjson'").fetchall()[0])
print("ClickHouse:", str(chdb.query("select toTypeName(day), toTypeName(uuid), toTypeName(digits) from file('events.ndjson', 'JSONEachRow')", "TSV")).strip().replace("\t", " "))
print("PyArrow:", *pyarrow.json.read_json("events.ndjson").schema.types)
frame = pandas.read_json("events.ndjson", lines=True)
print("pandas:", *(frame[name][0] for name in ids))
PROGRAM
expect <<'SEEN'
DuckDB: 2026-11-28 DATE 3f2504e0-4f89-41d3-9a0c-0305e82c3301 UUID 007 VARCHAR
ClickHouse: Nullable(Date) Nullable(String) Nullable(String)
PyArrow: timestamp[s] string string
pandas: 2026-11-28 3F2504E0-4F89-41D3-9A0C-0305E82C3301 7
SEEN
