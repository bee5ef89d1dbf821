#!/bin/sh
# A key that no line of the sample has does not exist for DuckDB (20,480 lines) and ClickHouse (25,000): its values are left out
# without an error. PyArrow reads all lines and keeps it.
# duckdb 2.0.1, chdb 4.4.0, pyarrow 26.0.1, seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install_python duckdb==2.0.1 chdb==4.4.0 pyarrow==26.0.1
measure_python <<'PROGRAM'
import chdb, duckdb
import pyarrow.json

with open("events.ndjson", "w") as file:
    for number in range(30000):
        late = ', "coupon": "SPRING"' if number > 29000 else ""
        file.write(f'{{"event": "Order", "properties": {{"number": {number}{late}}}}}\n')

def kind(source):
    return duckdb.sql(f"describe select properties from {source}").fetchall()[0][1]

print("DuckDB:", kind("'events.ndjson'"))
print("DuckDB, whole file:", kind("read_json('events.ndjson', sample_size=-1)"))
described = str(chdb.query("describe file('events.ndjson', 'JSONEachRow')", "CSV")).splitlines()
print("ClickHouse:", next(line for line in described if line.startswith('"properties"')).split('","')[1].rstrip('",'))
print("PyArrow:", pyarrow.json.read_json("events.ndjson").schema.field("properties").type)
PROGRAM
expect <<'SEEN'
DuckDB: STRUCT(number BIGINT)
DuckDB, whole file: STRUCT(number BIGINT, coupon VARCHAR)
ClickHouse: Nullable(Tuple(number Nullable(Int64)))
PyArrow: struct<number: int64, coupon: string>
SEEN
