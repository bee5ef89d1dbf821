#!/bin/sh
# TO_TIMESTAMP_LTZ of Flink SQL makes an instant of a text. With a pattern that reads the offset (XXX), it reads the offset and then
# ignores it, without an error: 10:00+02:00 becomes 10:00 UTC. TO_TIMESTAMP does the same. With .SSS in the pattern, a time with six
# digits of a second is NULL. The cast, which has no pattern, refuses the T and the Z.
# Apache Flink 2.2.1, seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install_java org.apache.flink:flink-table-planner-loader@2.2.1 org.apache.flink:flink-table-api-java-bridge@2.2.1 \
  org.apache.flink:flink-table-runtime@2.2.1 org.apache.flink:flink-clients@2.2.1
measure_java <<'PROGRAM'
import java.util.List;
import org.apache.flink.table.api.*;

public class Finding {
  static final String PATTERN = "'yyyy-MM-dd''T''HH:mm:ss.SSSXXX'";

  public static void main(String[] args) throws Exception {
    var settings = EnvironmentSettings.newInstance().inBatchMode().build();
    var tables = TableEnvironment.create(settings);
    tables.getConfig().set("table.local-time-zone", "UTC");
    for (String time : List.of("10:00:00.123Z", "10:00:00.123+02:00", "10:00:00.123456Z")) {
      String text = "'2026-11-28T" + time + "'";
      String instant = "to_timestamp_ltz(" + text + ", " + PATTERN + ")";
      String local = "to_timestamp(" + text + ", " + PATTERN + ")";
      String query = "select " + instant + ", " + local + ", try_cast(" + text + " as timestamp_ltz(3))";
      try (var rows = tables.executeSql(query).collect()) {
        var row = rows.next();
        System.out.println(time + ": instant " + row.getField(0) + ", local " + row.getField(1) + ", cast " + row.getField(2));
      }
    }
    System.exit(0);
  }
}
PROGRAM
expect <<'SEEN'
10:00:00.123Z: instant 2026-11-28T10:00:00.123Z, local 2026-11-28T10:00:00.123, cast null
10:00:00.123+02:00: instant 2026-11-28T10:00:00.123Z, local 2026-11-28T10:00:00.123, cast null
10:00:00.123456Z: instant null, local null, cast null
SEEN
