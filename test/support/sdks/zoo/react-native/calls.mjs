/**
 * Sends one call of each type that @segment/analytics-react-native has, and ends when nothing waits any more: node
 * calls.mjs url writeKey marker. The package is that of the working directory, unmodified. Only react-native, which it
 * imports, is replaced by stand-in.cjs.
 */
import { createRequire, registerHooks } from 'node:module'
import { join } from 'node:path'

const [url, writeKey, marker] = process.argv.slice(2)
const NATIVE = new URL('stand-in.cjs', import.meta.url).href
const LOOK_EVERY_MS = 250

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'react-native' ? { url: NATIVE, shortCircuit: true } : next(specifier, context)
})
const { createClient } = createRequire(join(process.cwd(), 'calls.cjs'))('@segment/analytics-react-native')

const client = createClient({
  writeKey,
  proxy: `${url}/v1`,
  cdnProxy: `${url}/v1`,
  useSegmentEndpoints: true,
  allowInsecureProxy: true,
  flushAt: 100,
  errorHandler: error => console.error(`@segment/analytics-react-native says: ${error.message}`)
})
const wait = () => new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS))
while (!client.isReady.value) await wait()

const marked = type => ({ marker: `${marker}-${type}` })
// It has no page. Its alias uses the user of identify, as soon as the SDK has stored it.
await client.identify(`${marker}-alias`, marked('identify'))
while (client.userInfo.get().userId === undefined) await wait()
await client.alias('zoo-user')
await client.track('Signed Up', marked('track'))
await client.screen('Start', marked('screen'))
await client.group('group-1', marked('group'))
while ((await client.pendingEvents()) > 0) {
  await client.flush()
  await wait()
}
process.exit(0)
