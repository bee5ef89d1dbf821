#!/bin/sh
# DuckDB reads whole numbers beyond 64 bits exactly, as HUGEINT, and writes them into Parquet as DOUBLE, without a word. One
# number above 2^63 makes the whole column a HUGEINT, so the column of a small id loses its last digits too.
# duckdb 2.0.1, seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install_python duckdb==2.0.1
measure_python <<'PROGRAM'
import duckdb

with open("events.ndjson", "w") as file:
    file.write('{"id": 9007199254740993}\n{"id": 12345678901234567890}\n')

def show(name, source):
    kind = duckdb.sql(f"describe select id from {source}").fetchall()[0][1]
    print(f"{name}: {kind}", *(row[0] for row in duckdb.sql(f"select id::HUGEINT from {source} order by 1").fetchall()))

show("NDJSON", "'events.ndjson'")
duckdb.sql("copy (select * from 'events.ndjson') to 'events.parquet'")
show("Parquet", "'events.parquet'")
duckdb.sql("copy (select id::DECIMAL(38, 0) as id from 'events.ndjson') to 'decimal.parquet'")
show("Parquet, cast before", "'decimal.parquet'")
PROGRAM
expect <<'SEEN'
NDJSON: HUGEINT 9007199254740993 12345678901234567890
Parquet: DOUBLE 9007199254740992 12345678901234567168
Parquet, cast before: DECIMAL(38,0) 9007199254740993 12345678901234567890
SEEN
