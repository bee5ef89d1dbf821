#!/bin/sh
# A share group (KIP-932) gives a record up after five deliveries: it comes no more, no topic keeps it, and no consumer is told.
# A group begins at the end of a topic, unless the group's own share.auto.offset.reset says otherwise; the consumer that sets
# auto.offset.reset, as every other consumer may, is not made.
# Apache Kafka 4.4.0, seen 2026-11-28.
. "$(dirname "$0")/support.sh"
start_kafka 4.4.0
measure_java <<'PROGRAM'
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.*;

public class Finding {
  static String broker;

  public static void main(String[] args) throws Exception {
    broker = args[0];
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker))) {
      admin.createTopics(List.of(new NewTopic("work", 1, (short) 1))).all().get();
      var group = new ConfigResource(ConfigResource.Type.GROUP, "early");
      var reset = new AlterConfigOp(new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET);
      admin.incrementalAlterConfigs(Map.of(group, List.of(reset))).all().get();
    }
    try (var producer = new KafkaProducer<>(settings(null), new StringSerializer(), new StringSerializer())) {
      producer.send(new ProducerRecord<>("work", "ann", "poison")).get();
    }
    System.out.println("a group of its own accord: " + deliveries("late", 8));
    System.out.println("a group with share.auto.offset.reset=earliest: delivered as " + deliveries("early", 20));
    System.out.println("the same group again: " + deliveries("early", 8));
    try {
      consumer("other", Map.of("auto.offset.reset", "earliest")).close();
      System.out.println("auto.offset.reset is taken");
    } catch (Exception error) {
      System.out.println("auto.offset.reset is refused: " + error.getClass().getSimpleName());
    }
    Runtime.getRuntime().halt(0);
  }

  static Map<String, Object> settings(String group) {
    var settings = new HashMap<String, Object>(Map.of("bootstrap.servers", broker));
    if (group != null) settings.putAll(Map.of("group.id", group, "share.acknowledgement.mode", "explicit"));
    return settings;
  }

  static KafkaShareConsumer<String, String> consumer(String group, Map<String, Object> more) {
    var all = settings(group);
    all.putAll(more);
    return new KafkaShareConsumer<>(all, new StringDeserializer(), new StringDeserializer());
  }

  /** Takes records for so many seconds and gives each back. */
  static List<Object> deliveries(String group, int seconds) {
    List<Object> seen = new ArrayList<>();
    try (var consumer = consumer(group, Map.of())) {
      consumer.subscribe(List.of("work"));
      long end = System.currentTimeMillis() + seconds * 1000L;
      while (System.currentTimeMillis() < end) {
        for (var each : consumer.poll(Duration.ofMillis(200))) {
          seen.add(each.deliveryCount().get());
          consumer.acknowledge(each, AcknowledgeType.RELEASE);
        }
        consumer.commitSync();
      }
    }
    return seen;
  }
}
PROGRAM
expect <<'SEEN'
a group of its own accord: []
a group with share.auto.offset.reset=earliest: delivered as [1, 2, 3, 4, 5]
the same group again: []
auto.offset.reset is refused: ConfigException
SEEN
