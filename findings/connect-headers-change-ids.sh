#!/bin/sh
# Kafka Connect guesses the type of each record header, unless header.converter says otherwise: an id loses its leading zeros, what
# stands behind a comma, or its spelling, the text null is no value, and a sink that writes headers again writes what was guessed.
# Apache Kafka Connect 4.4.0 (connect-api), seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install_java org.apache.kafka:connect-api@4.4.0
measure_java <<'PROGRAM'
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;

public class Finding {
  public static void main(String[] args) throws Exception {
    try (var converter = new SimpleHeaderConverter()) {
      for (String id : List.of("007", "1.10", "1,2", "1e5", "2026-11-28", "null", "user-1")) {
        var header = converter.toConnectHeader("events", "messageId", id.getBytes(StandardCharsets.UTF_8));
        if (header == null) {
          System.out.println(id + " is no value");
          continue;
        }
        byte[] written = converter.fromConnectHeader("events", "messageId", header.schema(), header.value());
        String type = (header.schema().type() + " " + header.schema().name()).replace(" null", "");
        System.out.println(id + " is " + type + ", written again as " + new String(written, StandardCharsets.UTF_8));
      }
    }
  }
}
PROGRAM
expect <<'SEEN'
007 is INT8, written again as 7
1.10 is FLOAT32, written again as 1.1
1,2 is INT8, written again as 1
1e5 is INT32, written again as 100000
2026-11-28 is INT32 org.apache.kafka.connect.data.Date, written again as 2026-11-28
null is no value
user-1 is STRING, written again as user-1
SEEN
