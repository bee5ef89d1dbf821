import com.segment.analytics.kotlin.core.RequestFactory;
import com.segment.analytics.kotlin.core.compat.ConfigurationBuilder;
import com.segment.analytics.kotlin.core.compat.JavaAnalytics;
import java.net.HttpURLConnection;
import java.util.Map;

/**
 * Sends one call of each type that the Kotlin SDK has (no page): java -cp 'libs/*' KotlinCalls.java url writeKey marker
 * It speaks https alone; its RequestFactory, which programs may replace, is told to use http here.
 */
public class KotlinCalls {
  /** The SDK sends again only with a flush, and says nothing when it is through. */
  private static final int FLUSHES = 5;
  private static final int FLUSH_GAP_MS = 2_000;

  public static void main(String[] args) throws Exception {
    String host = args[0].replaceFirst("^http://", "") + "/v1";
    String marker = args[2];
    JavaAnalytics analytics =
        new JavaAnalytics(
            new ConfigurationBuilder(args[1])
                .setApplication("zoo")
                .setFlushAt(100)
                .setApiHost(host)
                .setCdnHost(host)
                .setRequestFactory(
                    new RequestFactory() {
                      @Override
                      public HttpURLConnection openConnection(String url) {
                        return super.openConnection(url.replaceFirst("^https://", "http://"));
                      }
                    })
                .build());
    analytics.identify("kotlin-user", Map.of("marker", marker + "-identify"));
    analytics.track("Signed Up", Map.of("marker", marker + "-track"));
    analytics.screen("Start", Map.of("marker", marker + "-screen"), "");
    analytics.group("group-1", Map.of("marker", marker + "-group"));
    for (int flush = 0; flush < FLUSHES; flush++) {
      Thread.sleep(FLUSH_GAP_MS);
      analytics.flush();
    }
    Thread.sleep(FLUSH_GAP_MS);
    System.exit(0);
  }
}
