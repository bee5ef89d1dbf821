/**
 * What doctor reports about OAuth: each fault that keeps apps from getting tokens, or servers from accepting them, with
 * the setting to change.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkOAuth } from '../../../src/cli/doctor/oauth.ts'
import { readEnvironment } from '../../../src/config/env/environment.ts'
import { parseTributaryFile } from '../../../src/config/file/tributary-file.ts'
import { appEntries, makeKey } from '../../support/oauth.ts'
import { ownFolder } from '../../support/own-folder.ts'

const KEY = makeKey('k1', 'ES256')
const NEXT = makeKey('k2', 'ES256')
const FOLDER = ownFolder(t)
const KEYS = join(FOLDER, 'keys.pem')
const BROKEN = join(FOLDER, 'broken.pem')
writeFileSync(KEYS, KEY.privatePem)
writeFileSync(BROKEN, KEY.publicPem)

const PUBLIC = { PUBLIC_URL: 'https://events.example.com' }
const FLEET = { ...PUBLIC, FLEET: 'true', KAFKA_BROKERS: '127.0.0.1:1' }
const RULE = { sources: ['backend'] }
const ISSUER = { issuer: 'https://login.example.com', audience: 'tributary', rules: [RULE] }

/** The findings, as `level: words`. */
async function found(file: object, env: Record<string, string> = PUBLIC): Promise<string[]> {
  const text = JSON.stringify({ sources: [{ id: 'backend', writeKeys: ['wk_backend'], oauth: 'required' }], ...file })
  const findings = await checkOAuth(readEnvironment(env), parseTributaryFile(text, 'tributary.yml').file)
  for (const { level, todo } of findings) t.equal(todo === undefined, level === 'ok')
  return findings.map(({ level, says }) => `${level}: ${says}`)
}

t.test('if no source uses tokens, there is nothing to report', async t => {
  t.same(await found({ sources: [{ id: 'web', writeKeys: ['wk_web'] }] }), [])
})

t.test('doctor says that a correct set-up is correct', async t => {
  const apps = appEntries([{ id: 'billing', keys: [KEY] }])
  t.same(await found({ apps }), ['ok: 1 source with oauth, 1 app, 0 issuers'])
  t.same(await found({ issuers: [ISSUER] }), ['ok: 1 source with oauth, 0 apps, 1 issuer'])
  t.same(await found({ apps }, { ...FLEET, OAUTH_SIGNING_KEY_FILE: KEYS }), [
    'ok: 1 source with oauth, 1 app, 0 issuers'
  ])
})

t.test('doctor names each fault', async t => {
  const apps = appEntries([{ id: 'billing', keys: [KEY] }])
  const sources = [
    { id: 'backend', writeKeys: ['wk_backend'], oauth: 'required' },
    { id: 'other', writeKeys: ['wk_other'] }
  ]
  t.match(await found({}), [/^problem: source backend requires OAuth tokens, and no app/])
  const elsewhere = appEntries([{ id: 'billing', keys: [KEY], sources: ['other'] }])
  t.match(await found({ sources, apps: elsewhere }), [/^problem: source backend requires OAuth tokens/])
  t.match(await found({ apps }, {}), [/^warning: PUBLIC_URL is not set/])
  t.match(await found({ apps }, FLEET), [/^problem: the servers of the fleet sign tokens with keys of their own/])
  const two = appEntries([{ id: 'billing', keys: [KEY, NEXT] }])
  t.match(await found({ apps: two }), [/^note: app billing has 2 public keys \(k1, k2\)/, /^ok: /])
  const file = (name: string): Record<string, string> => ({ ...PUBLIC, OAUTH_SIGNING_KEY_FILE: name })
  t.match(await found({ apps }, file(BROKEN)), [
    /^problem: OAUTH_SIGNING_KEY_FILE cannot be used: .* has no private key/
  ])
  t.match(await found({ apps }, file(join(FOLDER, 'missing.pem'))), [/^problem: .*cannot be read \(ENOENT\)/])
})
