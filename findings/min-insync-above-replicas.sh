#!/bin/sh
# Kafka makes a topic of one replica with min.insync.replicas=3, and confirms acks=all from that one replica: the setting protects
# nothing where it is larger than the number of replicas, and nothing says so.
# Apache Kafka 4.4.0 (3.9.1 does the same), seen 2026-11-28.
. "$(dirname "$0")/support.sh"
start_kafka 4.4.0
measure_java <<'PROGRAM'
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;

public class Finding {
  public static void main(String[] args) throws Exception {
    Map<String, Object> settings = Map.of("bootstrap.servers", args[0], "acks", "all", "delivery.timeout.ms", 20_000, "request.timeout.ms", 10_000);
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
      var topic = new NewTopic("work", 1, (short) 1).configs(Map.of("min.insync.replicas", "3"));
      admin.createTopics(List.of(topic)).all().get();
      System.out.println("made: 1 replica, min.insync.replicas=3");
    }
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      System.out.println("acks=all confirmed at offset " + producer.send(new ProducerRecord<>("work", "ann", "event")).get().offset());
    }
    Runtime.getRuntime().halt(0);
  }
}
PROGRAM
expect <<'SEEN'
made: 1 replica, min.insync.replicas=3
acks=all confirmed at offset 0
SEEN
