#!/bin/sh
# Spark has one watermark for all partitions of a topic: the latest time that it has read anywhere, less the delay. With
# maxOffsetsPerTrigger it takes a share of each partition's records, whatever their times are. Partitions that were added later hold
# later records alone, so that a query over the whole topic drops the first events of the old ones as late, although each partition is
# in order of time and nothing came late. There is no error; only numRowsDroppedByWatermark counts them.
# Spark 4.2.0 with its Kafka connector, Apache Kafka 4.1.0, seen 2026-11-29.
. "$(dirname "$0")/support.sh"
start_kafka 4.1.0
install_spark 4.2.0
measure_java <<'PROGRAM'
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.spark.sql.*;
import org.apache.spark.sql.streaming.Trigger;

public class Finding {
  static final int MINUTE = 60_000;
  static String broker;
  static SparkSession spark;

  public static void main(String[] args) throws Exception {
    broker = args[0];
    long start = System.currentTimeMillis() - 1000L * MINUTE;
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker))) {
      admin.createTopics(List.of(new NewTopic("events", 2, (short) 1))).all().get();
      write(0, 600, 2, start);
      admin.createPartitions(Map.of("events", NewPartitions.increaseTo(4))).all().get();
      write(600, 1000, 4, start);
    }
    spark = SparkSession.builder().master("local[1]").config("spark.ui.enabled", false)
      .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
      .config("spark.sql.shuffle.partitions", 1).getOrCreate();
    read("everything in one batch", "1000", "timestamp");
    read("100 records a batch", "100", "timestamp");
    read("100 records a batch, watermark of the clock", "100", "current_timestamp()");
    Runtime.getRuntime().halt(0);
  }

  /** One event a minute, each with its own id, over that many partitions. */
  static void write(int from, int to, int partitions, long start) throws Exception {
    Map<String, Object> settings = Map.of("bootstrap.servers", broker);
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      for (int i = from; i < to; i++) {
        producer.send(new ProducerRecord<>("events", i % partitions, start + (long) i * MINUTE, null, "event-" + i));
      }
    }
  }

  static void read(String what, String limit, String time) throws Exception {
    var query = spark.readStream().format("kafka").option("kafka.bootstrap.servers", broker).option("subscribe", "events")
      .option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", limit).load()
      .selectExpr("cast(value as string) as id", time + " as time")
      .withWatermark("time", "1 hour").dropDuplicatesWithinWatermark(new String[] { "id" })
      .writeStream().format("memory").queryName("seen").trigger(Trigger.AvailableNow()).start();
    query.awaitTermination();
    long dropped = 0;
    for (var progress : query.recentProgress()) {
      for (var state : progress.stateOperators()) dropped += state.numRowsDroppedByWatermark();
    }
    System.out.println(what + ": " + spark.table("seen").count() + " of 1000 events, " + dropped + " dropped");
  }
}
PROGRAM
expect <<'SEEN'
everything in one batch: 1000 of 1000 events, 0 dropped
100 records a batch: 440 of 1000 events, 560 dropped
100 records a batch, watermark of the clock: 1000 of 1000 events, 0 dropped
SEEN
