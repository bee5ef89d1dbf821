import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;

/**
 * Runs a file of Flink SQL in this process. Each SELECT ends after as many rows as the next argument says, and its rows are
 * printed as a JSON array of texts. SET is what the SQL client makes of it.
 */
public class Query {
  public static void main(String[] args) throws Exception {
    var settings = new Configuration();
    settings.setString("restart-strategy.type", "none");
    settings.setString("taskmanager.memory.managed.size", "32mb");
    settings.setString("taskmanager.memory.network.min", "16mb");
    settings.setString("taskmanager.memory.network.max", "16mb");
    var environment = StreamExecutionEnvironment.getExecutionEnvironment(settings);
    environment.setParallelism(1);
    var tables = StreamTableEnvironment.create(environment);
    tables.getConfig().set("table.local-time-zone", "UTC");
    int next = 1;
    for (String statement : Files.readString(Path.of(args[0])).split(";\\s*\\n")) {
      String sql = statement.strip();
      if (sql.isEmpty()) continue;
      if (sql.startsWith("set '")) {
        String[] parts = sql.split("'");
        tables.getConfig().set(parts[1], parts[3]);
      } else if (sql.startsWith("select")) {
        print(tables, sql, Integer.parseInt(args[next++]));
      } else {
        tables.executeSql(sql);
      }
    }
    System.exit(0);
  }

  static void print(StreamTableEnvironment tables, String sql, int count) throws Exception {
    List<List<String>> rows = new ArrayList<>();
    try (var found = tables.executeSql(sql).collect()) {
      while (rows.size() < count && found.hasNext()) rows.add(textsOf(found.next()));
    }
    System.out.println("ROWS" + new ObjectMapper().writeValueAsString(rows));
  }

  static List<String> textsOf(Row row) {
    List<String> texts = new ArrayList<>();
    texts.add(row.getKind().shortString());
    for (int index = 0; index < row.getArity(); index++) {
      Object cell = row.getField(index);
      texts.add(cell == null ? null : cell.toString());
    }
    return texts;
  }
}
