import com.segment.analytics.Analytics;
import com.segment.analytics.messages.AliasMessage;
import com.segment.analytics.messages.GroupMessage;
import com.segment.analytics.messages.IdentifyMessage;
import com.segment.analytics.messages.PageMessage;
import com.segment.analytics.messages.ScreenMessage;
import com.segment.analytics.messages.TrackMessage;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Sends one call of each type with the Java SDK: java -cp 'libs/*' Calls.java host writeKey marker */
public class Calls {
  public static void main(String[] args) throws Exception {
    String host = args[0];
    String marker = args[2];
    CountDownLatch sent = new CountDownLatch(6);
    Analytics analytics =
        Analytics.builder(args[1])
            .endpoint(host)
            .flushQueueSize(6)
            .callback(
                new com.segment.analytics.Callback() {
                  public void success(com.segment.analytics.messages.Message message) {
                    sent.countDown();
                  }

                  public void failure(com.segment.analytics.messages.Message message, Throwable why) {
                    System.err.println("lost a " + message.type() + ": " + why);
                    System.exit(1);
                  }
                })
            .build();
    String user = "java-user-ü";
    analytics.enqueue(IdentifyMessage.builder().userId(user).traits(marked(marker, "identify")));
    analytics.enqueue(TrackMessage.builder("Signed Up").userId(user).properties(marked(marker, "track")));
    analytics.enqueue(PageMessage.builder("Home").userId(user).properties(marked(marker, "page")));
    analytics.enqueue(ScreenMessage.builder("Start").userId(user).properties(marked(marker, "screen")));
    analytics.enqueue(GroupMessage.builder("group-1").userId(user).traits(marked(marker, "group")));
    analytics.enqueue(AliasMessage.builder(marker + "-alias").userId(user));
    if (!sent.await(2, TimeUnit.MINUTES)) System.exit(2);
    analytics.shutdown();
    System.exit(0);
  }

  private static Map<String, ?> marked(String marker, String type) {
    return Map.of("marker", marker + "-" + type);
  }
}
