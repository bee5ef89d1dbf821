#!/bin/sh
# deltalake casts what is appended to the types of the table, and says nothing where that loses something: after a first
# batch of whole prices, 19.99 is stored as 19, with schema_mode="merge" too. Text that is a number is taken for one; only text
# that is none is refused.
# deltalake 1.6.6, pyarrow 26.0.1, seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install_python deltalake==1.6.6 pyarrow==26.0.1
measure_python <<'PROGRAM'
import os
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

def append(name, value, **options):
    write_deltalake(name, pa.table({"price": [20]}))
    try:
        write_deltalake(name, pa.table({"price": [value]}), mode="append", **options)
    except Exception as error:
        return f"refused: {error}"
    return sorted(DeltaTable(name).to_pyarrow_table()["price"].to_pylist())

print("19.99:", append("a", 19.99))
print("19.99, merge:", append("b", 19.99, schema_mode="merge"))
print("the text '7':", append("c", "7"))
print("the text 'x':", append("d", "x"), flush=True)
os._exit(0)  # its threads may hold a busy machine's process at its end
PROGRAM
expect <<'SEEN'
19.99: [19, 20]
19.99, merge: [19, 20]
the text '7': [7, 20]
the text 'x': refused: Cast error: Cannot cast string 'x' to value of Int64 type
SEEN
