#!/bin/sh
# Pathway leaves a JSON line out where the schema has no place for one value of it: an integer beyond 63 bits in an int column, 1e400
# or half of a surrogate pair in a Json column. It logs an error, the run goes on and ends well, although terminate_on_error is True by
# default. Members that the schema does not name do no harm. A Json column makes a double of an integer beyond 64 bits.
# pathway 0.33.0, seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install_python pathway==0.33.0
measure_python <<'PROGRAM'
import json
import pathway as pw

class Orders(pw.Schema):
    messageId: str
    order: int | None = pw.column_definition(default_value=None)
    properties: pw.Json | None = pw.column_definition(default_value=None)

LINES = [
    r'{"messageId":"order of 18 digits","order":123456789012345678}',
    r'{"messageId":"order of 20 digits","order":12345678901234567890}',
    r'{"messageId":"property of 21 digits","properties":{"id":123456789012345678901}}',
    r'{"messageId":"property 1e400","properties":{"price":1e400}}',
    r'{"messageId":"half of a pair","properties":{"note":"\ud83d"}}',
    r'{"messageId":"1e400 and a half elsewhere","context":{"n":1e400,"note":"\ud83d"}}',
]
with open("events.ndjson", "w") as file:
    file.write("\n".join(LINES) + "\n")
rows = []
events = pw.io.jsonlines.read("events.ndjson", schema=Orders, mode="static")
pw.io.subscribe(events, lambda key, row, time, is_addition: rows.append(row))
pw.run(monitoring_level=pw.MonitoringLevel.NONE)
for name in [json.loads(line)["messageId"] for line in LINES]:
    found = [row for row in rows if row["messageId"] == name]
    print(f"{name}:", *[[row["order"], row["properties"] and row["properties"].value] for row in found] or ["no row"])
PROGRAM
expect <<'SEEN'
order of 18 digits: [123456789012345678, None]
order of 20 digits: no row
property of 21 digits: [None, {'id': 1.2345678901234567e+20}]
property 1e400: no row
half of a pair: no row
1e400 and a half elsewhere: [None, None]
SEEN
