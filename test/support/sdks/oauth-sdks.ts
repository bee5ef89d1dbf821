import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Analytics } from '@segment/analytics-node'
import type { Test } from 'tap'
import type { TestKey } from '../oauth.ts'

/** An SDK with its own OAuth settings. */
export interface OAuthSdk {
  /** Sends events. Resolves with the number of events lost since the start, when the SDK has no more of them. */
  send(events: number): Promise<number>
}

export interface OAuthSdkTarget {
  readonly url: string
  readonly writeKey: string
  readonly app: string
  readonly key: TestKey
}

const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
const PYTHON = join(REPOSITORY, '.cache', 'venv', 'bin', 'python')

export function nodeOAuthSdk(t: Test, { url, writeKey, app, key }: OAuthSdkTarget): OAuthSdk {
  const analytics = new Analytics({
    writeKey,
    host: url,
    flushInterval: 50,
    oauthSettings: { clientId: app, clientKey: key.privatePem, keyId: key.kid, authServer: url }
  })
  t.teardown(() => analytics.closeAndFlush({ timeout: 1_000 }))
  analytics.on('error', () => undefined)
  let lost = 0
  return {
    async send(events) {
      const sent = Array.from(
        { length: events },
        () =>
          new Promise<void>(resolve => {
            analytics.track({ userId: 'node-user', event: 'Signed Up' }, error => {
              if (error !== undefined && error !== null) lost++
              resolve()
            })
          })
      )
      await Promise.all(sent)
      return lost
    }
  }
}

export function pythonOAuthSdk(t: Test, { url, writeKey, app, key }: OAuthSdkTarget, dir: string): OAuthSdk {
  const keyFile = join(dir, `${app}-${key.kid}.pem`)
  writeFileSync(keyFile, key.privatePem)
  const script = join(import.meta.dirname, 'oauth.py')
  const program = spawn(PYTHON, [script, url, writeKey, app, key.kid, keyFile], {
    stdio: ['pipe', 'pipe', 'ignore']
  })
  t.teardown(() => void program.kill())
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]()
  return {
    async send(events) {
      program.stdin.write(`${events}\n`)
      const { value, done } = await lines.next()
      if (done === true) throw new Error('the SDK for Python has ended')
      return Number(value)
    }
  }
}
