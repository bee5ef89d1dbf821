import java.io.FileReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Copies a topic of Tributary to another topic, each event once: the first record with a messageId of a source passes, later ones
 * within the window do not. Copies of an event have the same key and so are in the same partition. Each partition has its own
 * memory, and the order within it stays.
 *
 * java -cp 'libs/*' Dedupe.java dedupe.properties FROM TO [WINDOW, for example PT24H]
 */
public class Dedupe {
  private static final String STORE = "seen";

  public static void main(String[] args) throws Exception {
    Properties settings = new Properties();
    try (FileReader file = new FileReader(args[0])) {
      settings.load(file);
    }
    settings.putIfAbsent(StreamsConfig.APPLICATION_ID_CONFIG, "tributary-dedupe-" + args[1]);
    settings.putIfAbsent(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    // A record, its entry in the memory and the offset are written together or not at all.
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    Duration window = Duration.parse(args.length > 3 ? args[3] : "PT24H");
    KafkaStreams streams = new KafkaStreams(topology(args[1], args[2], window), settings);
    // Streams ends its threads after an error, but not the process. Something must start it again.
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.ERROR) Runtime.getRuntime().halt(1);
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
    streams.start();
  }

  static Topology topology(String from, String to, Duration window) {
    StreamsBuilder builder = new StreamsBuilder();
    builder.addStateStore(
        Stores.windowStoreBuilder(
            Stores.persistentWindowStore(STORE, window, window, false), Serdes.String(), Serdes.ByteArray()));
    builder
        .stream(
            from,
            Consumed.with(Serdes.ByteArray(), Serdes.ByteArray())
                .withTimestampExtractor((record, newest) -> time(record.timestamp())))
        .processValues(() -> new FirstOnly(window), STORE)
        .to(to, Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
    return builder.build();
  }

  /**
   * Tributary leaves the timestamp out where a topic refuses it: Streams would stop at such a record. A time in the future
   * would empty the memory, and Kafka 4 refuses it in the topic of the memory.
   */
  private static long time(long timestamp) {
    long now = System.currentTimeMillis();
    return timestamp < 0 ? now : Math.min(timestamp, now);
  }

  private static class FirstOnly implements FixedKeyProcessor<byte[], byte[], byte[]> {
    private static final byte[] SEEN = new byte[0];
    private final Duration window;
    private FixedKeyProcessorContext<byte[], byte[]> context;
    private WindowStore<String, byte[]> store;

    FirstOnly(Duration window) {
      this.window = window;
    }

    @Override
    public void init(FixedKeyProcessorContext<byte[], byte[]> context) {
      this.context = context;
      this.store = context.getStateStore(STORE);
    }

    @Override
    public void process(FixedKeyRecord<byte[], byte[]> record) {
      String messageId = text(record.headers(), "messageId");
      if (messageId.isEmpty() || isFirst(text(record.headers(), "source") + "/" + messageId)) context.forward(record);
    }

    private boolean isFirst(String id) {
      // The newest time of the partition, not the record's own: the store drops an entry that is older than its window
      // without an error, so that an event that waited on a server's disk would not be remembered.
      long now = context.currentStreamTimeMs();
      try (var earlier = store.fetch(id, now - window.toMillis(), now)) {
        if (earlier.hasNext()) return false;
      }
      store.put(id, SEEN, now);
      return true;
    }

    private static String text(Headers headers, String name) {
      Header header = headers.lastHeader(name);
      return header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
    }
  }
}
