/**
 * Sends one call of each type with an SDK from npm, and ends when the SDK has finished: node calls.mjs PACKAGE url
 * writeKey marker. The packages are those of the working directory.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [name, url, writeKey, marker] = process.argv.slice(2)
const load = createRequire(join(process.cwd(), 'calls.cjs'))

const runs = {
  async 'analytics-node'() {
    const Analytics = load('analytics-node')
    const analytics = new Analytics(writeKey, { host: url, flushAt: 100, errorHandler: say })
    await sixCallsEach(analytics)
  },
  async '@expo/rudder-sdk-node'() {
    const Analytics = load('@expo/rudder-sdk-node').default
    const analytics = new Analytics(writeKey, `${url}/v1/batch`, { flushAt: 100 })
    sixCalls(analytics)
    const responses = await analytics.flush()
    for (const { error } of responses ?? []) if (error) say(error)
  },
  async '@rudderstack/analytics-js-service-worker'() {
    const { Analytics } = load('@rudderstack/analytics-js-service-worker')
    const analytics = new Analytics(writeKey, `${url}/v1/batch`, { flushAt: 100 })
    await sixCallsEach(analytics)
  },
  async '@customerio/cdp-analytics-node'() {
    const { Analytics } = load('@customerio/cdp-analytics-node')
    const analytics = new Analytics({ writeKey, host: url, maxEventsInBatch: 6 })
    analytics.on('error', say)
    sixCalls(analytics)
    await analytics.closeAndFlush({ timeout: 60_000 })
  },
  async '@jitsu/js'() {
    const { jitsuAnalytics } = load('@jitsu/js')
    const analytics = jitsuAnalytics({ host: url, writeKey })
    await analytics.identify('zoo-user', marked('identify'))
    await analytics.track('Signed Up', marked('track'))
    await analytics.page(marked('page'))
    await analytics.group('group-1', marked('group'))
  }
}

/** Its first event has its own flush, and no later flush waits for it: only its callback shows when it was sent. */
async function sixCallsEach(analytics) {
  const told = []
  sixCalls(analytics, () => {
    const { promise, resolve } = Promise.withResolvers()
    told.push(promise)
    return resolve
  })
  analytics.flush()
  await Promise.all(told)
}

/** @param callback creates one for each event; default: the SDK takes none */
function sixCalls(analytics, callback = () => undefined) {
  const userId = 'zoo-user'
  analytics.identify({ userId, traits: marked('identify') }, callback())
  analytics.track({ userId, event: 'Signed Up', properties: marked('track') }, callback())
  analytics.page({ userId, name: 'Home', properties: marked('page') }, callback())
  analytics.screen({ userId, name: 'Start', properties: marked('screen') }, callback())
  analytics.group({ userId, groupId: 'group-1', traits: marked('group') }, callback())
  analytics.alias({ userId, previousId: `${marker}-alias` }, callback())
}

function marked(type) {
  return { marker: `${marker}-${type}` }
}

function say(error) {
  console.error(`${name} says: ${error?.message ?? error?.reason?.message ?? JSON.stringify(error)}`)
}

// Errors that an SDK does not handle are printed and do not end the run: docs/sdks.md says what to write in a program.
process.on('unhandledRejection', say)
await runs[name]()
process.exit(0)
