#!/bin/sh
# Half of a surrogate pair in one text of an event, as a program leaves it that cuts a text after so many UTF-16 units: json_tuple
# then gives NULL for every field that it was asked for, also for those that are whole, get_json_object for the text, and
# try_parse_json for the whole event. There is no error. from_json puts "?" in place of the half.
# Spark 4.2.0, seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install_spark 4.2.0
measure_java <<'PROGRAM'
import java.util.List;
import org.apache.spark.sql.*;

public class Finding {
  public static void main(String[] args) throws Exception {
    var spark = SparkSession.builder().master("local[1]").config("spark.ui.enabled", false)
      .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").getOrCreate();
    for (String note : new String[] { "late", "late \\ud83d" }) {
      String line = "{\"id\":\"m-1\",\"price\":5,\"note\":\"" + note + "\"}";
      var lines = spark.createDataset(List.of(line), Encoders.STRING());
      System.out.println(line);
      for (String expression : new String[] {
        "json_tuple(value, 'id', 'note')", "json_tuple(value, 'id', 'price')", "get_json_object(value, '$.note')",
        "try_variant_get(try_parse_json(value), '$.id', 'string')", "from_json(value, 'id string, note string')"
      }) System.out.println("  " + expression + ": " + lines.selectExpr(expression).first());
    }
    Runtime.getRuntime().halt(0);
  }
}
PROGRAM
expect <<'SEEN'
{"id":"m-1","price":5,"note":"late"}
  json_tuple(value, 'id', 'note'): [m-1,late]
  json_tuple(value, 'id', 'price'): [m-1,5]
  get_json_object(value, '$.note'): [late]
  try_variant_get(try_parse_json(value), '$.id', 'string'): [m-1]
  from_json(value, 'id string, note string'): [[m-1,late]]
{"id":"m-1","price":5,"note":"late \ud83d"}
  json_tuple(value, 'id', 'note'): [null,null]
  json_tuple(value, 'id', 'price'): [m-1,5]
  get_json_object(value, '$.note'): [null]
  try_variant_get(try_parse_json(value), '$.id', 'string'): [null]
  from_json(value, 'id string, note string'): [[m-1,late ?]]
SEEN
