import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Kafka's own Java client for tests: what the server wrote is read back, and a cluster is changed, by a program that
 * shares no code with it. Each line on standard input is one command, its words separated by tabs; each answer ends with
 * a line "ok" or "failed MESSAGE".
 */
public class KafkaTool {
  public static void main(String[] args) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", args[0]);
    try (Admin admin = Admin.create(settings)) {
      BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        try {
          run(admin, args[0], line.split("\t"));
          System.out.println("ok");
        } catch (Exception error) {
          System.out.println("failed " + String.valueOf(error.getMessage()).replace('\n', ' '));
        }
        System.out.flush();
      }
    }
  }

  private static void run(Admin admin, String brokers, String[] words) throws Exception {
    switch (words[0]) {
      case "read" -> read(brokers, words[1]);
      case "produce" -> produce(brokers, words);
      case "scram" -> scram(admin, words[1], words[2], words[3]);
      case "allow" -> allow(admin, words);
      case "config" -> config(admin, words);
      case "move" -> move(admin, Integer.parseInt(words[1]), Integer.parseInt(words[2]));
      case "quota" -> quota(admin, words[1], words[2], Double.parseDouble(words[3]));
      default -> throw new IllegalArgumentException("unknown command " + words[0]);
    }
  }

  /** All records that the topic has now: partition, offset, key, value, headers. */
  private static void read(String brokers, String topic) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    settings.put("auto.offset.reset", "earliest");
    settings.put("check.crcs", "true");
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions = new ArrayList<>();
      consumer.partitionsFor(topic).forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      while (partitions.stream().anyMatch(each -> consumer.position(each) < ends.get(each))) {
        for (ConsumerRecord<byte[], byte[]> each : consumer.poll(Duration.ofMillis(200))) print(each);
      }
    }
  }

  /** produce TOPIC KEY... ; each key in base64. With the producer's own defaults. */
  private static void produce(String brokers, String[] words) throws Exception {
    Map<String, Object> settings = Map.of("bootstrap.servers", brokers);
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (int at = 2; at < words.length; at++) {
        String key = new String(Base64.getDecoder().decode(words[at]), StandardCharsets.UTF_8);
        sent.add(producer.send(new ProducerRecord<>(words[1], key, "profile")));
      }
      for (Future<RecordMetadata> one : sent) one.get();
    }
  }

  private static void print(ConsumerRecord<byte[], byte[]> each) {
    StringBuilder line = new StringBuilder("record\t" + each.partition() + "\t" + each.offset());
    line.append('\t').append(base64(each.key())).append('\t').append(base64(each.value()));
    for (Header header : each.headers()) line.append('\t').append(header.key()).append('=').append(base64(header.value()));
    System.out.println(line);
  }

  private static String base64(byte[] bytes) {
    return bytes == null ? "" : Base64.getEncoder().encodeToString(bytes);
  }

  private static void scram(Admin admin, String user, String mechanism, String password) throws Exception {
    var info = new ScramCredentialInfo(ScramMechanism.fromMechanismName(mechanism), 4096);
    admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(user, info, password))).all().get();
  }

  /** allow PRINCIPAL TYPE NAME OPERATION... ; a name that ends with * is a prefix. */
  private static void allow(Admin admin, String[] words) throws Exception {
    boolean isPrefix = words[3].length() > 1 && words[3].endsWith("*");
    String name = isPrefix ? words[3].substring(0, words[3].length() - 1) : words[3];
    var type = ResourceType.valueOf(words[2]);
    var pattern = new ResourcePattern(type, name, isPrefix ? PatternType.PREFIXED : PatternType.LITERAL);
    List<AclBinding> bindings = new ArrayList<>();
    for (int at = 4; at < words.length; at++) {
      var operation = AclOperation.valueOf(words[at]);
      bindings.add(new AclBinding(pattern, new AccessControlEntry(words[1], "*", operation, AclPermissionType.ALLOW)));
    }
    admin.createAcls(bindings).all().get();
  }

  /** config BROKER|TOPIC NAME KEY=VALUE... */
  private static void config(Admin admin, String[] words) throws Exception {
    var resource = new ConfigResource(ConfigResource.Type.valueOf(words[1]), words[2]);
    List<AlterConfigOp> changes = new ArrayList<>();
    for (int at = 3; at < words.length; at++) {
      String[] pair = words[at].split("=", 2);
      changes.add(new AlterConfigOp(new ConfigEntry(pair[0], pair[1]), AlterConfigOp.OpType.SET));
    }
    admin.incrementalAlterConfigs(Map.of(resource, changes)).all().get();
  }

  /** move FROM TO: each replica on one broker goes to another one; answers when all have gone. */
  private static void move(Admin admin, int from, int to) throws Exception {
    var names = admin.listTopics(new ListTopicsOptions().listInternal(true)).names().get();
    Map<TopicPartition, Optional<NewPartitionReassignment>> wanted = new HashMap<>();
    for (TopicDescription topic : admin.describeTopics(names).allTopicNames().get().values()) {
      for (TopicPartitionInfo each : topic.partitions()) {
        List<Integer> replicas = each.replicas().stream().map(node -> node.id() == from ? to : node.id()).toList();
        if (each.replicas().stream().noneMatch(node -> node.id() == from)) continue;
        var place = new TopicPartition(topic.name(), each.partition());
        wanted.put(place, Optional.of(new NewPartitionReassignment(replicas)));
      }
    }
    admin.alterPartitionReassignments(wanted).all().get();
    while (!admin.listPartitionReassignments().reassignments().get().isEmpty()) Thread.sleep(200);
  }

  private static void quota(Admin admin, String user, String key, double value) throws Exception {
    var entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.USER, user));
    var change = new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op(key, value)));
    admin.alterClientQuotas(List.of(change)).all().get();
  }
}
