#!/bin/sh
# Kafka Streams joins a stream of 6 partitions with a table of 8 without an error, stays RUNNING, and finds the rows of a quarter of
# the events. Its guide says that it verifies the numbers of partitions at runtime and throws. With a table of 6 all are found.
# Apache Kafka and Streams 4.4.0 with the default group protocol (4.1.0 the same), seen 2026-11-29.
. "$(dirname "$0")/support.sh"
start_kafka 4.4.0
install_java org.apache.kafka:kafka-streams@4.4.0
measure_java <<'PROGRAM'
import java.util.*;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.KStream;

public class Finding {
  static final int KEYS = 240;

  public static void main(String[] args) throws Exception {
    var topics = List.of(new NewTopic("six", 6, (short) 1), new NewTopic("eight", 8, (short) 1), new NewTopic("events", 6, (short) 1));
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
      admin.createTopics(topics).all().get();
    }
    Map<String, Object> settings = Map.of("bootstrap.servers", args[0]);
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      for (var topic : topics)
        for (int key = 0; key < KEYS; key++) producer.send(new ProducerRecord<>(topic.name(), "user-" + key, "value"));
    }
    join(args[0], "six");
    join(args[0], "eight");
    Runtime.getRuntime().halt(0);
  }

  static void join(String broker, String table) throws Exception {
    var settings = new Properties();
    settings.putAll(Map.of("bootstrap.servers", broker, "application.id", "join-" + table, "state.dir", "state",
        "default.key.serde", Serdes.StringSerde.class, "default.value.serde", Serdes.StringSerde.class,
        "auto.offset.reset", "earliest", "max.task.idle.ms", 3000));
    var builder = new StreamsBuilder();
    var events = new AtomicInteger();
    var found = new AtomicInteger();
    KStream<String, String> stream = builder.stream("events");
    stream.leftJoin(builder.<String, String>table(table), (event, profile) -> profile == null ? "missing" : "found")
        .foreach((key, result) -> {
          if (result.equals("found")) found.incrementAndGet();
          events.incrementAndGet();
        });
    try (var streams = new KafkaStreams(builder.build(), settings)) {
      streams.setUncaughtExceptionHandler(error -> {
        System.out.println(table + ": " + error.getClass().getSimpleName());
        return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
      });
      streams.start();
      long end = System.currentTimeMillis() + 40_000;
      while (System.currentTimeMillis() < end && events.get() < KEYS && streams.state() != KafkaStreams.State.ERROR) Thread.sleep(100);
      System.out.println(table + ": " + found + " of " + events + " events found their row, " + streams.state());
    }
  }
}
PROGRAM
expect <<'SEEN'
six: 240 of 240 events found their row, RUNNING
eight: 62 of 240 events found their row, RUNNING
SEEN
