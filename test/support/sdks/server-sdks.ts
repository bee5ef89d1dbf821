import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import RudderAnalytics from '@rudderstack/rudder-sdk-node'
import { Analytics } from '@segment/analytics-node'
import { javaSdkJars, javaSdkVersion } from './java-sdk.ts'
import { npmVersion } from './npm-version.ts'
import type { SdkRun } from './run.ts'

const run = promisify(execFile)
/** The SDK for Java waits 15 s before its first retry and 30 s before its second. */
const TIMEOUT_MS = 120_000

const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
const PYTHON = join(REPOSITORY, '.cache', 'venv', 'bin', 'python')
export const nodeSdk: SdkRun = {
  source: 'node',
  name: '@segment/analytics-node',
  version: () => npmVersion('@segment/analytics-node'),
  async send({ url, writeKey, marker }) {
    const analytics = new Analytics({ writeKey, host: url, maxEventsInBatch: 6 })
    const lost: unknown[] = []
    analytics.on('error', error => lost.push(error))
    const userId = 'node-user-ü'
    analytics.identify({ userId, traits: { marker: `${marker}-identify` } })
    analytics.track({ userId, event: 'Signed Up', properties: { marker: `${marker}-track` } })
    analytics.page({ userId, name: 'Home', properties: { marker: `${marker}-page` } })
    analytics.screen({ userId, name: 'Start', properties: { marker: `${marker}-screen` } })
    analytics.group({ userId, groupId: 'group-1', traits: { marker: `${marker}-group` } })
    analytics.alias({ userId, previousId: `${marker}-alias` })
    await analytics.closeAndFlush({ timeout: TIMEOUT_MS })
    if (lost.length > 0) throw new Error(`the Node SDK lost events: ${JSON.stringify(lost)}`)
  }
}

export const rudderSdk: SdkRun = {
  source: 'rudder',
  name: '@rudderstack/rudder-sdk-node',
  version: () => npmVersion('@rudderstack/rudder-sdk-node'),
  async send({ url, writeKey, marker }) {
    // By default it gives up after three retries, within two seconds. All SDKs start at once: on a slow machine that
    // overloads the server, which is in the same process, for longer.
    const analytics = new RudderAnalytics(writeKey, { dataPlaneUrl: url, flushAt: 100, retryCount: 10 })
    const userId = 'rudder-user-ü'
    analytics.identify({ userId, traits: { marker: `${marker}-identify` } })
    analytics.track({ userId, event: 'Signed Up', properties: { marker: `${marker}-track` } })
    analytics.page({ userId, name: 'Home', properties: { marker: `${marker}-page` } })
    analytics.screen({ userId, name: 'Start', properties: { marker: `${marker}-screen` } })
    analytics.group({ userId, groupId: 'group-1', traits: { marker: `${marker}-group` } })
    analytics.alias({ userId, previousId: `${marker}-alias` })
    await analytics.flush()
  }
}

function pythonSdk(source: string, options: readonly string[]): SdkRun {
  return {
    source,
    name: ['segment-analytics-python', ...options].join(', '),
    version: () =>
      execFileSync(PYTHON, ['-c', 'from segment.analytics.version import VERSION; print(VERSION)'], UTF8).trim(),
    async send({ url, writeKey, marker }) {
      const script = join(import.meta.dirname, 'calls.py')
      await run(PYTHON, [script, url, writeKey, marker, ...options], { timeout: TIMEOUT_MS })
    }
  }
}

const UTF8 = { encoding: 'utf8' } as const

export const pythonPlainSdk = pythonSdk('python', [])
export const pythonGzipSdk = pythonSdk('python-gzip', ['gzip'])

export const javaSdk: SdkRun = {
  source: 'java',
  name: 'com.segment.analytics.java:analytics',
  version: javaSdkVersion,
  async send({ url, writeKey, marker }) {
    const program = join(import.meta.dirname, 'java', 'Calls.java')
    const libs = join(await javaSdkJars(), '*')
    await run('java', ['-XX:TieredStopAtLevel=1', '-cp', libs, program, url, writeKey, marker], {
      timeout: TIMEOUT_MS
    })
  }
}
