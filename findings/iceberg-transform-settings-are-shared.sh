#!/bin/sh
# KafkaMetadataTransform of Iceberg keeps its settings in a static field: all connectors of a Connect worker that use this transform have the
# settings of the one that was configured last. With a second connector the first gives topic, partition and offset other names, for which
# its table may have no columns. There is no error.
# Iceberg 1.12.0 (iceberg-kafka-connect-transforms), Kafka Connect 4.1.0, SLF4J 1.7.36, seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install_java org.apache.iceberg:iceberg-kafka-connect-transforms@1.12.0 org.apache.kafka:connect-transforms@4.1.0 \
  org.slf4j:slf4j-api@1.7.36
measure_java <<'PROGRAM'
import java.util.*;
import org.apache.iceberg.connect.transforms.KafkaMetadataTransform;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.sink.SinkRecord;

public class Finding {
  static void show(String name, KafkaMetadataTransform transform) {
    var record = new SinkRecord("events", 3, null, null, null, Map.of("id", "m-1"), 7, 1000L, TimestampType.CREATE_TIME);
    System.out.println(name + " writes " + new TreeMap<>((Map<?, ?>) transform.apply(record).value()));
  }

  public static void main(String[] args) {
    var first = new KafkaMetadataTransform();
    first.configure(Map.of("field_name", "kafka"));
    show("the first", first);
    var second = new KafkaMetadataTransform();
    second.configure(Map.of("field_name", "place", "nested", "true", "external_field", "cluster,eu"));
    show("the second", second);
    show("the first", first);
  }
}
PROGRAM
expect <<'SEEN'
the first writes {id=m-1, kafka_offset=7, kafka_partition=3, kafka_timestamp=1000, kafka_topic=events}
the second writes {id=m-1, place={cluster=eu, partition=3, offset=7, topic=events, timestamp=1000}}
the first writes {id=m-1, place={cluster=eu, partition=3, offset=7, topic=events, timestamp=1000}}
SEEN
