import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { EVENT_TYPES, type EventType } from '../../../../src/model/event-types.ts'
import type { SdkRun } from '../run.ts'
import { HIGHTOUCH, sendWithHightouch } from './hightouch.ts'
import { goProgram, jarsWith, npmPackages, pythonWith, rudderJavaProgram, rustProgram } from './install.ts'

const run = promisify(execFile)

const HERE = import.meta.dirname
/**
 * The SDKs for Java wait 15 s before their first retry and 30 s before their second. After this time the run is ended.
 */
const TIMEOUT_MS = 90_000

type Options = Pick<SdkRun, 'types'> & { readonly version?: string }

/** A program that gets the url, the write key and the marker, and ends when its SDK has finished. */
interface Command {
  readonly program: string
  readonly args?: readonly string[]
  readonly cwd?: string
}

function sdk(name: string, command: () => Promise<Command>, { version = '', types }: Options): SdkRun {
  return {
    source: name.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase(),
    name,
    version: () => version,
    ...(types && { types }),
    async send({ url, writeKey, marker }) {
      const { program, args = [], cwd } = await command()
      await run(program, [...args, url, writeKey, marker], { timeout: TIMEOUT_MS, ...(cwd && { cwd }) })
    }
  }
}

const NPM_VERSIONS = (
  JSON.parse(readFileSync(join(HERE, 'npm', 'package.json'), 'utf8')) as { dependencies: Record<string, string> }
).dependencies

/** @param args the program, and its arguments before url, write key and marker */
function npm(name: string, options: Options = {}, args = [join(HERE, 'npm', 'calls.mjs'), name]): SdkRun {
  return sdk(name, async () => ({ program: process.execPath, args, cwd: await npmPackages() }), {
    ...options,
    version: NPM_VERSIONS[name] ?? ''
  })
}

function python(name: string, version: string, { module, types }: { module: string; types?: EventType[] }): SdkRun {
  const few = types === undefined ? [] : ['few']
  return {
    ...sdk(name, async () => ({ program: '' }), { version, ...(types && { types }) }),
    async send({ url, writeKey, marker }) {
      const args = [join(HERE, '..', 'calls.py'), url, writeKey, marker, `module=${module}`, ...few]
      await run(await pythonWith(`${name}==${version}`), args, { timeout: TIMEOUT_MS })
    }
  }
}

const without = (...missing: EventType[]): EventType[] => EVENT_TYPES.filter(type => !missing.includes(type))
const JAVA_FLAGS = ['-XX:TieredStopAtLevel=1', '-cp']

/** The most used SDKs of the zoo: every run of the tests runs them too. */
const MOST_USED = [
  'analytics-node',
  'analytics-python',
  'rudder-sdk-python',
  'gopkg.in/segmentio/analytics-go.v3',
  'com.segment.analytics.kotlin:core'
]

/** The SDKs and forks that are run beside those of sdks.test.ts, each as it is published. */
export const ZOO: readonly SdkRun[] = [
  npm('analytics-node'),
  npm('@expo/rudder-sdk-node'),
  npm('@rudderstack/analytics-js-service-worker'),
  npm('@customerio/cdp-analytics-node'),
  npm('@jitsu/js', { types: without('screen', 'alias') }),
  npm('@segment/analytics-react-native', { types: without('page') }, [join(HERE, 'react-native', 'calls.mjs')]),
  { ...npm(HIGHTOUCH), name: `${HIGHTOUCH} in Chromium`, send: sendWithHightouch },
  python('analytics-python', '1.4.post1', { module: 'analytics' }),
  python('rudder-sdk-python', '2.1.9', { module: 'rudderstack.analytics' }),
  python('customerio-cdp-analytics', '1.1.0', { module: 'customerio.analytics' }),
  python('june-analytics-python', '2.3.0', { module: 'june.analytics' }),
  python('journify-python-sdk', '2.2.5', { module: 'journify', types: without('screen', 'alias') }),
  sdk('gopkg.in/segmentio/analytics-go.v3', async () => ({ program: await goProgram() }), { version: '3.1.0' }),
  sdk('crate segment', async () => ({ program: await rustProgram('segment') }), { version: '0.2.6' }),
  sdk('crate rudderanalytics', async () => ({ program: await rustProgram('rudder') }), { version: '2.0.1' }),
  sdk(
    'com.rudderstack.sdk.java.analytics:analytics',
    async () => ({
      program: 'java',
      args: [...JAVA_FLAGS, await jarsWith('rudder', 'analytics'), await rudderJavaProgram()]
    }),
    { version: '3.0.0' }
  ),
  sdk(
    'com.segment.analytics.kotlin:core',
    async () => ({
      program: 'java',
      args: [...JAVA_FLAGS, await jarsWith('kotlin', 'core'), join(HERE, 'jvm', 'KotlinCalls.java')]
    }),
    { version: '1.24.1', types: without('page', 'alias') }
  )
]

export const MOST_USED_OF_ZOO = ZOO.filter(({ name }) => MOST_USED.includes(name))
