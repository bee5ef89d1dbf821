#!/bin/sh
# JsonConverter of Kafka Connect (schemas.enable=false) keeps the low 64 bits of a whole number beyond 2^63, without an error: an order
# number of 20 digits becomes another one, mostly negative, and 2^64 becomes 0. The same number with an exponent is only rounded.
# Apache Kafka Connect 4.4.0 (connect-json), seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install_java org.apache.kafka:connect-json@4.4.0
measure_java <<'PROGRAM'
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.kafka.connect.json.JsonConverter;

public class Finding {
  public static void main(String[] args) {
    var converter = new JsonConverter();
    converter.configure(Map.of("schemas.enable", "false"), false);
    for (String number : List.of("9007199254740993", "9223372036854775807", "9223372036854775808", "12345678901234567890",
        "18446744073709551616", "1e19")) {
      byte[] sent = ("{\"id\":" + number + "}").getBytes(StandardCharsets.UTF_8);
      Object value = converter.toConnectData("orders", sent).value();
      byte[] written = converter.fromConnectData("orders", null, value);
      System.out.println(number + " becomes " + new String(written, StandardCharsets.UTF_8));
    }
  }
}
PROGRAM
expect <<'SEEN'
9007199254740993 becomes {"id":9007199254740993}
9223372036854775807 becomes {"id":9223372036854775807}
9223372036854775808 becomes {"id":-9223372036854775808}
12345678901234567890 becomes {"id":-6101065172474983726}
18446744073709551616 becomes {"id":0}
1e19 becomes {"id":1.0E19}
SEEN
