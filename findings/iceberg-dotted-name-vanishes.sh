#!/bin/sh
# Iceberg's sink for Kafka Connect, which adds new members of an event as columns (evolve-schema-enabled), adds no column plan.tier where the
# table has plan: {tier}, takes the member for one that is there, and stores nothing of it: the value is gone, in the row and in the
# file, without an error. In the other order the task stops. Any other new member with a dot in its name gets its column.
# Iceberg 1.12.0 (iceberg-kafka-connect), Hadoop 3.4.1, Kafka Connect 4.1.0, SLF4J 1.7.36, seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install_java org.apache.iceberg:iceberg-kafka-connect@1.12.0 org.apache.iceberg:iceberg-data@1.12.0 \
  org.apache.iceberg:iceberg-parquet@1.12.0 org.apache.hadoop:hadoop-client-api@3.4.1 org.apache.hadoop:hadoop-client-runtime@3.4.1 \
  org.apache.kafka:connect-json@4.1.0 org.slf4j:slf4j-api@1.7.36
measure_java <<'PROGRAM'
import java.util.*;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.connect.IcebergSinkConfig;
import org.apache.iceberg.connect.data.SinkWriter;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.hadoop.HadoopCatalog;
import org.apache.kafka.connect.sink.SinkRecord;

public class Finding {
  public static void main(String[] args) throws Exception {
    store("plans", Map.of("id", "1", "plan", Map.of("tier", "pro")), Map.of("id", "2", "plan.tier", "free"));
    store("teams", Map.of("id", "1", "team", Map.of("size", "5")), Map.of("id", "2", "plan.tier", "free"));
    Runtime.getRuntime().halt(0);
  }

  /** Writes two events, as JsonConverter makes them, into a table that the sink makes. */
  static void store(String folder, Map<String, Object> first, Map<String, Object> second) throws Exception {
    var catalog = new HadoopCatalog(new Configuration(), folder);
    var writer = new SinkWriter(catalog, new IcebergSinkConfig(Map.of("name", "events", "iceberg.tables", "shop.events",
      "iceberg.catalog.type", "hadoop", "iceberg.tables.auto-create-enabled", "true", "iceberg.tables.evolve-schema-enabled", "true")));
    for (var event : List.of(first, second)) {
      writer.save(List.of(new SinkRecord("events", 0, null, null, null, new TreeMap<>(event), 0)));
      System.out.println("event " + new TreeMap<>(event));
    }
    var table = catalog.loadTable(TableIdentifier.parse("shop.events"));
    var append = table.newAppend();
    writer.completeWrite().writerResults().forEach(result -> result.dataFiles().forEach(append::appendFile));
    append.commit();
    table.schema().columns().stream()
      .map(column -> "column " + column.name() + " " + column.type().toString().replaceAll("\\d+: ", "")).sorted().forEach(System.out::println);
    var rows = new TreeSet<String>();
    try (var records = IcebergGenerics.read(table).build()) {
      for (var record : records) {
        var row = new TreeMap<String, Object>();
        table.schema().columns().forEach(column -> row.put(column.name(), record.getField(column.name())));
        rows.add("row " + row);
      }
    }
    rows.forEach(System.out::println);
  }
}
PROGRAM
expect <<'SEEN'
event {id=1, plan={tier=pro}}
event {id=2, plan.tier=free}
column id string
column plan struct<tier: optional string>
row {id=1, plan=Record(pro)}
row {id=2, plan=null}
event {id=1, team={size=5}}
event {id=2, plan.tier=free}
column id string
column plan.tier string
column team struct<size: optional string>
row {id=1, plan.tier=null, team=Record(5)}
row {id=2, plan.tier=free, team=null}
SEEN
