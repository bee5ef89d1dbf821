#!/bin/sh
# Flink's JSON format makes a value of what does not have the column's type, without an error, although ignore-parse-errors is off: 1
# and "yes" are FALSE, 19.99 is the INT 19, and a number that is too large for its DECIMAL is NULL. A DECIMAL column also changes how
# a STRING column next to it spells the numbers of an object.
# Apache Flink 2.2.1, seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install_java org.apache.flink:flink-table-planner-loader@2.2.1 org.apache.flink:flink-table-api-java-bridge@2.2.1 \
  org.apache.flink:flink-table-runtime@2.2.1 org.apache.flink:flink-clients@2.2.1 org.apache.flink:flink-connector-files@2.2.1 \
  org.apache.flink:flink-json@2.2.1
measure_java <<'PROGRAM'
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.table.api.*;

public class Finding {
  static int number;

  public static void main(String[] args) throws Exception {
    show("paid boolean", "{\"paid\":1}");
    show("paid boolean", "{\"paid\":\"yes\"}");
    show("quantity int", "{\"quantity\":19.99}");
    show("price decimal(10, 2)", "{\"price\":123456789.5}");
    show("properties string", "{\"properties\":{\"ratio\":1.12345678901234567}}");
    show("properties string, price decimal(10, 2)", "{\"properties\":{\"ratio\":1.12345678901234567}}");
    System.exit(0);
  }

  static void show(String columns, String line) throws Exception {
    Path folder = Files.createDirectory(Path.of("lines-" + number++)).toAbsolutePath();
    Files.writeString(folder.resolve("lines.json"), line + "\n");
    var tables = TableEnvironment.create(EnvironmentSettings.newInstance().inBatchMode().build());
    String from = "'connector' = 'filesystem', 'path' = 'file://" + folder + "', 'format' = 'json'";
    tables.executeSql("create table t (" + columns + ") with (" + from + ")");
    try (var rows = tables.executeSql("select * from t").collect()) {
      System.out.println(line + " as " + columns + ": " + rows.next());
    }
  }
}
PROGRAM
expect <<'SEEN'
{"paid":1} as paid boolean: +I[false]
{"paid":"yes"} as paid boolean: +I[false]
{"quantity":19.99} as quantity int: +I[19]
{"price":123456789.5} as price decimal(10, 2): +I[null]
{"properties":{"ratio":1.12345678901234567}} as properties string: +I[{"ratio":1.1234567890123457}]
{"properties":{"ratio":1.12345678901234567}} as properties string, price decimal(10, 2): +I[{"ratio":1.12345678901234567}, null]
SEEN
