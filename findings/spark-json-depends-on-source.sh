#!/bin/sh
# Spark copies a JSON value into a STRING column byte for byte if it reads a file. from_json, with which a query reads the values of
# Kafka, has the same schema and writes the value anew: 1.10 is 1.1, 12345678.50 is 1.23456785E7, a fraction keeps 17 digits, and 1e400
# is "Infinity" in quotes. spark.sql.json.enableExactStringParsing is on in both. A DECIMAL column is exact in both.
# Spark 4.2.0, seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install_spark 4.2.0
measure_java <<'PROGRAM'
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.*;

public class Finding {
  public static void main(String[] args) throws Exception {
    String line = "{\"price\":1.10,\"total\":12345678.50,\"ratio\":0.12345678901234567890,\"huge\":1e400}";
    String file = Files.writeString(Path.of("lines.json").toAbsolutePath(), line + "\n").toUri().toString();
    var spark = SparkSession.builder().master("local[1]").config("spark.ui.enabled", false)
      .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").getOrCreate();
    for (String schema : new String[] { "price string, total string, ratio string, huge string", "total decimal(38, 20), ratio decimal(38, 20)" }) {
      System.out.println("file: " + spark.read().schema(schema).json(file).first());
      System.out.println("from_json: " + spark.read().text(file).selectExpr("from_json(value, '" + schema + "')").first().get(0));
    }
    System.out.println("exact: " + spark.conf().get("spark.sql.json.enableExactStringParsing"));
    Runtime.getRuntime().halt(0);
  }
}
PROGRAM
expect <<'SEEN'
file: [1.10,12345678.50,0.12345678901234567890,1e400]
from_json: [1.1,1.23456785E7,0.12345678901234568,"Infinity"]
file: [12345678.50000000000000000000,0.12345678901234567890]
from_json: [12345678.50000000000000000000,0.12345678901234567890]
exact: true
SEEN
