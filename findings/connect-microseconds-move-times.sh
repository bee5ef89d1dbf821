#!/bin/sh
# TimestampConverter of Kafka Connect reads the digits of a second as a number of milliseconds, whatever their count: with a format
# for milliseconds, a time with microseconds moves by minutes and one with nanoseconds by days, without an error.
# Apache Kafka Connect 4.4.0 (connect-transforms), seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install_java org.apache.kafka:connect-transforms@4.4.0
measure_java <<'PROGRAM'
import java.util.*;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.transforms.TimestampConverter;

public class Finding {
  public static void main(String[] args) {
    try (var transform = new TimestampConverter.Value<SinkRecord>()) {
      transform.configure(Map.of("field", "at", "target.type", "Timestamp", "format", "yyyy-MM-dd'T'HH:mm:ss.SSSX"));
      for (String fraction : List.of(".5", ".123", ".123456", ".123456789")) {
        String sent = "2026-11-28T10:00:00" + fraction + "Z";
        var record = new SinkRecord("events", 0, null, null, null, Map.of("at", sent), 0);
        Date at = (Date) ((Map<?, ?>) transform.apply(record).value()).get("at");
        System.out.println(sent + " becomes " + at.toInstant());
      }
    }
  }
}
PROGRAM
expect <<'SEEN'
2026-11-28T10:00:00.5Z becomes 2026-11-28T10:00:00.005Z
2026-11-28T10:00:00.123Z becomes 2026-11-28T10:00:00.123Z
2026-11-28T10:00:00.123456Z becomes 2026-11-28T10:02:03.456Z
2026-11-28T10:00:00.123456789Z becomes 2026-11-29T20:17:36.789Z
SEEN
