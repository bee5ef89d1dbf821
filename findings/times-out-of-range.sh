#!/bin/sh
# A time outside of a type's range is no error: ClickHouse's DateTime makes 1965 the year 1970 and 2300 the year 2106, in
# parseDateTimeBestEffort and in JSON alike; Polars' nanoseconds make 2300 the year 1715. DateTime64(3) and microseconds are right.
# chdb 4.4.0, polars 2.1.0, seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install_python chdb==4.4.0 polars==2.1.0
measure_python <<'PROGRAM'
import chdb, polars

def ask(query):
    return str(chdb.query(query, "TSVRaw")).strip().replace("\t", " | ")

for time in ("1965-05-05T00:00:00Z", "2300-01-01T00:00:00Z"):
    print(time)
    print(" ClickHouse best effort:", ask(f"select parseDateTimeBestEffort('{time}', 'UTC')"))
    line = '{"short":"%s","long":"%s"}' % (time, time)
    columns = "short DateTime(\\'UTC\\'), long DateTime64(3, \\'UTC\\')"
    print(" ClickHouse DateTime, DateTime64(3):", ask(f"select * from format(JSONEachRow, '{columns}', '{line}')"))
    for unit in ("us", "ns"):
        print(f" Polars, {unit}:", polars.Series([time]).str.to_datetime(time_unit=unit).dt.to_string("%Y-%m-%d")[0])
PROGRAM
expect <<'SEEN'
1965-05-05T00:00:00Z
 ClickHouse best effort: 1970-01-01 00:00:00
 ClickHouse DateTime, DateTime64(3): 1970-01-01 00:00:00 | 1965-05-05 00:00:00.000
 Polars, us: 1965-05-05
 Polars, ns: 1965-05-05
2300-01-01T00:00:00Z
 ClickHouse best effort: 2106-02-07 06:28:15
 ClickHouse DateTime, DateTime64(3): 2106-02-07 06:28:15 | 2300-01-01 00:00:00.000
 Polars, us: 2300-01-01
 Polars, ns: 1715-06-13
SEEN
