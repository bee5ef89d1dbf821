#!/bin/sh
# How much of producer_byte_rate a producer gets depends on the size of its requests. Java's KafkaProducer with requests of 20 kB
# stores 1.05 times a quota of 20 kB/s, and with requests of 460 kB 1.72 times, although it waits as long as each answer says.
# Kafka throttles for the bytes in its window of 10 to 11 s divided by the quota, less that window. So a request of 23 s of the quota
# is throttled for 13 s, the window is empty by then, and the next request is throttled for 13 s again.
# Apache Kafka 4.4.0 with its default window (quota.window.num=11, quota.window.size.seconds=1), seen 2026-11-29.
. "$(dirname "$0")/support.sh"
start_kafka 4.4.0
measure_java <<'PROGRAM'
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.serialization.*;

public class Finding {
  static final int QUOTA = 20_000, EVENT = 1_000, SECONDS = 60;
  static String broker;

  public static void main(String[] args) throws Exception {
    broker = args[0];
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker))) {
      var eachClientId = new ClientQuotaEntity(Collections.singletonMap(ClientQuotaEntity.CLIENT_ID, null));
      var quota = new ClientQuotaAlteration.Op("producer_byte_rate", (double) QUOTA);
      admin.alterClientQuotas(List.of(new ClientQuotaAlteration(eachClientId, List.of(quota)))).all().get();
      admin.createTopics(List.of(new NewTopic("small", 1, (short) 1), new NewTopic("large", 1, (short) 1))).all().get();
    }
    var threads = Executors.newFixedThreadPool(2);
    var small = threads.submit(() -> timesTheQuota("small", 1));
    var large = threads.submit(() -> timesTheQuota("large", 23));
    System.out.println("requests of 1 s of the quota, at most 1.2 times the quota: " + (small.get() <= 1.2));
    System.out.println("requests of 23 s of the quota, at least 1.4 times the quota: " + (large.get() >= 1.4));
    System.err.printf("small %.2f, large %.2f%n", small.get(), large.get());
    Runtime.getRuntime().halt(0);
  }

  /** Always has more to send, each time one request with so many seconds of the quota. */
  static double timesTheQuota(String name, int seconds) throws Exception {
    int events = seconds * QUOTA / EVENT;
    Map<String, Object> settings = Map.of("bootstrap.servers", broker, "client.id", name, "batch.size", 2 * seconds * QUOTA, "linger.ms", 10_000);
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
      producer.partitionsFor(name);
      long begin = System.nanoTime();
      for (int requests = 0; ; requests++) {
        Future<RecordMetadata> last = null;
        for (int at = 0; at < events; at++) last = producer.send(new ProducerRecord<>(name, new byte[EVENT]));
        producer.flush();
        last.get();
        // A request is answered at once and the next one waits: the last one is not counted.
        double took = (System.nanoTime() - begin) / 1e9;
        if (took > SECONDS) return requests * seconds / took;
      }
    }
  }
}
PROGRAM
expect <<'SEEN'
requests of 1 s of the quota, at most 1.2 times the quota: true
requests of 23 s of the quota, at least 1.4 times the quota: true
SEEN
