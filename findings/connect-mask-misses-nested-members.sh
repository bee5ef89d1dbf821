#!/bin/sh
# MaskField of Kafka Connect takes a path like traits.email, adds a member of that name which is null, and leaves the address where it
# is: the result looks masked. field.syntax.version=V2, with which ExtractField follows the path, changes nothing here, and ReplaceField
# takes it too and leaves nothing out. Nothing is refused.
# Apache Kafka Connect 4.4.0 (connect-transforms), seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install_java org.apache.kafka:connect-transforms@4.4.0
measure_java <<'PROGRAM'
import java.util.*;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.transforms.*;

public class Finding {
  static SinkRecord record() {
    var value = new TreeMap<String, Object>(Map.of("traits", Map.of("email", "ann@example.com"), "email", "bob@example.com"));
    return new SinkRecord("events", 0, null, null, null, value, 0);
  }

  static void show(String name, Transformation<SinkRecord> transform, Map<String, String> settings) {
    try {
      transform.configure(settings);
      Object value = transform.apply(record()).value();
      System.out.println(name + " " + new TreeMap<>(settings) + ": " + (value instanceof Map<?, ?> map ? new TreeMap<>(map) : value));
    } catch (Exception error) {
      System.out.println(name + " " + new TreeMap<>(settings) + ": " + error.getMessage());
    }
  }

  public static void main(String[] args) {
    show("MaskField", new MaskField.Value<>(), Map.of("fields", "email"));
    show("MaskField", new MaskField.Value<>(), Map.of("fields", "traits.email"));
    show("MaskField", new MaskField.Value<>(), Map.of("fields", "traits.email", "field.syntax.version", "V2"));
    show("ReplaceField", new ReplaceField.Value<>(), Map.of("exclude", "traits.email", "field.syntax.version", "V2"));
    show("ExtractField", new ExtractField.Value<>(), Map.of("field", "traits.email", "field.syntax.version", "V2"));
  }
}
PROGRAM
expect <<'SEEN'
MaskField {fields=email}: {email=, traits={email=ann@example.com}}
MaskField {fields=traits.email}: {email=bob@example.com, traits={email=ann@example.com}, traits.email=null}
MaskField {field.syntax.version=V2, fields=traits.email}: {email=bob@example.com, traits={email=ann@example.com}, traits.email=null}
ReplaceField {exclude=traits.email, field.syntax.version=V2}: {email=bob@example.com, traits={email=ann@example.com}}
ExtractField {field=traits.email, field.syntax.version=V2}: ann@example.com
SEEN
