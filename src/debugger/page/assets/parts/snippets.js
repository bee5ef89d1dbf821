/** The first lines of code for each SDK, with the host and key filled in. */
const trim = text => text.replace(/^\n/, '').trimEnd()

export const SNIPPETS = {
  Browser: ({ url, writeKey }) => `
<script src="${url}/analytics.js/v1/${writeKey}/analytics.min.js"></script>
<script>
  analytics.page()
  analytics.track('Signed Up', { plan: 'free' })
</script>`,
  'Browser (npm)': ({ url, writeKey }) => `
import { AnalyticsBrowser } from '@segment/analytics-next'

// Settings come from here too, and say where events go.
const analytics = AnalyticsBrowser.load({ writeKey: '${writeKey}', cdnURL: '${url}' })
analytics.page()
analytics.track('Signed Up', { plan: 'free' })`,
  Node: ({ url, writeKey }) => `
import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({ writeKey: '${writeKey}', host: '${url}' })
analytics.track({ userId: 'user-1', event: 'Signed Up', properties: { plan: 'free' } })
await analytics.closeAndFlush()`,
  Python: ({ url, writeKey }) => `
import segment.analytics as analytics

analytics.write_key = '${writeKey}'
analytics.host = '${url}'
analytics.track('user-1', 'Signed Up', {'plan': 'free'})
analytics.shutdown()`,
  Go: ({ url, writeKey }) => `
client, _ := analytics.NewWithConfig("${writeKey}", analytics.Config{
  Endpoint: "${url}",
})
defer client.Close()
client.Enqueue(analytics.Track{UserId: "user-1", Event: "Signed Up"})`,
  Java: ({ url, writeKey }) => `
Analytics analytics = Analytics.builder("${writeKey}").endpoint("${url}").build();
analytics.enqueue(TrackMessage.builder("Signed Up").userId("user-1"));
analytics.flush();
analytics.shutdown();`,
  Kotlin: ({ writeKey, host }) => `
val analytics = Analytics("${writeKey}") {
  apiHost = "${host}/v1"
}
analytics.track("Signed Up")`,
  Swift: ({ writeKey, host }) => `
let configuration = Configuration(writeKey: "${writeKey}").apiHost("${host}/v1")
let analytics = Analytics(configuration: configuration)
analytics.track(name: "Signed Up")`,
  Ruby: ({ writeKey, host, protocol, port }) => `
analytics = Segment::Analytics.new(
  write_key: '${writeKey}', host: '${host.replace(/:\d+$/, '')}', port: ${port}, ssl: ${protocol === 'https'}
)
analytics.track(user_id: 'user-1', event: 'Signed Up')
analytics.flush`,
  PHP: ({ writeKey, host, protocol }) => `
Segment::init("${writeKey}", ["host" => "${host}", "ssl" => ${protocol === 'https'}]);
Segment::track(["userId" => "user-1", "event" => "Signed Up"]);
Segment::flush();`,
  curl: ({ url, writeKey }) => `
curl -u '${writeKey}:' -H 'content-type: application/json' ${url}/v1/track \\
  -d '{"userId":"user-1","event":"Signed Up","properties":{"plan":"free"}}'`
}

export function snippet(sdk, { url, writeKey }) {
  const { host, protocol, port } = new URL(url)
  const bare = protocol.slice(0, -1)
  return trim(SNIPPETS[sdk]({ url, writeKey, host, protocol: bare, port: port || (bare === 'https' ? 443 : 80) }))
}
