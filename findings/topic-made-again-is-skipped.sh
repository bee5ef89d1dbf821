#!/bin/sh
# A topic is deleted and made again with its name. Kafka forgets the offsets of the group with the old one, and auto.offset.reset
# decides: at its default (latest) a consumer group that had read everything reads nothing of what the new topic has already,
# without an error. With earliest it reads all.
# Apache Kafka 4.4.0 and its Java client, seen 2026-11-28.
. "$(dirname "$0")/support.sh"
start_kafka 4.4.0
measure_java <<'PROGRAM'
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;

public class Finding {
  static String broker;

  public static void main(String[] args) throws Exception {
    broker = args[0];
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker))) {
      create(admin);
      write(20);
      for (String reset : List.of("latest", "earliest", "short")) read(reset, "earliest", 20);
      admin.deleteTopics(List.of("work")).all().get();
      create(admin);
      write(10);
      System.out.println("latest reads " + read("latest", "latest", 1) + " of 10");
      System.out.println("earliest reads " + read("earliest", "earliest", 10) + " of 10");
      write(15);
      System.out.println("earliest, once the new topic is longer, reads " + read("short", "earliest", 25) + " of 25");
    }
    Runtime.getRuntime().halt(0);
  }

  static void create(Admin admin) throws Exception {
    for (int tries = 0; ; tries++) {
      try {
        admin.createTopics(List.of(new NewTopic("work", 1, (short) 1))).all().get();
        return;
      } catch (Exception stillThere) {
        if (tries == 50) throw stillThere;
        Thread.sleep(200);
      }
    }
  }

  static void write(int records) throws Exception {
    Map<String, Object> settings = Map.of("bootstrap.servers", broker);
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      for (int i = 0; i < records; i++) producer.send(new ProducerRecord<>("work", "ann", "event " + i)).get();
    }
  }

  /** How many records the group gets in 15 s; it stops when it has those that are awaited. */
  static int read(String group, String reset, int awaited) {
    Map<String, Object> settings = Map.of("bootstrap.servers", broker, "group.id", group, "auto.offset.reset", reset);
    int count = 0;
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of("work"));
      long end = System.currentTimeMillis() + 15_000;
      while (System.currentTimeMillis() < end && count < awaited) count += consumer.poll(Duration.ofMillis(200)).count();
      consumer.commitSync();
    }
    return count;
  }
}
PROGRAM
expect <<'SEEN'
latest reads 0 of 10
earliest reads 10 of 10
earliest, once the new topic is longer, reads 25 of 25
SEEN
