/**
 * Files as Kubernetes mounts a ConfigMap or a Secret: links through `..data`, which is replaced by another folder in
 * one step.
 */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ownFolder } from '../support/own-folder.ts'
import { startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'

/** A mounted folder with these files. Returns the function that replaces all of them, as the kubelet does. */
function mount(
  dir: string,
  files: Readonly<Record<string, string>>
): (files: Readonly<Record<string, string>>) => void {
  let version = 0
  const put = (contents: Readonly<Record<string, string>>): void => {
    const folder = `..version-${++version}`
    mkdirSync(join(dir, folder), { recursive: true })
    for (const [name, text] of Object.entries(contents)) writeFileSync(join(dir, folder, name), text)
    symlinkSync(folder, join(dir, '..data_tmp'))
    renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
  }
  put(files)
  for (const name of Object.keys(files)) symlinkSync(join('..data', name), join(dir, name))
  return put
}

const yaml = (key: string): string => `sources:\n  - id: web\n    writeKeys: [${key}]\n`
const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

t.test('a swap of ..data makes new write keys and a new password valid without a restart', async t => {
  const dir = ownFolder(t)
  const config = join(dir, 'config')
  const secrets = join(dir, 'secrets')
  const putConfig = mount(config, { 'tributary.yml': yaml('wk_old') })
  const putSecrets = mount(secrets, { ADMIN_PASSWORD: 'the first password\n' })
  const server = await startServer(t, {
    dir,
    env: { CONFIG_FILE: join(config, 'tributary.yml'), ADMIN_PASSWORD_FILE: join(secrets, 'ADMIN_PASSWORD') }
  })
  await server.ready(60_000)
  const { pid } = server
  const track = async (key: string): Promise<number> => {
    const body = JSON.stringify({ userId: 'u', event: 'E' })
    const headers = { authorization: basic(key, '') }
    return (await fetch(`${server.url}/v1/track`, { method: 'POST', headers, body })).status
  }
  const ask = async (password: string): Promise<number> =>
    (await fetch(`${server.adminUrl}/api/overview`, { headers: { authorization: basic('admin', password) } })).status
  t.strictSame([await track('wk_old'), await track('wk_new')], [200, 401])
  t.strictSame([await ask('the first password'), await ask('the second password')], [200, 401])

  putConfig({ 'tributary.yml': yaml('wk_new') })
  await until(async () => (await track('wk_new')) === 200, { what: 'the new key to be accepted', timeoutMs: 60_000 })
  t.equal(await track('wk_old'), 401)
  putSecrets({ ADMIN_PASSWORD: 'the second password\n' })
  await until(() => /ADMIN_PASSWORD: what the files hold now is in force/.test(server.stderr), {
    what: 'the new password to be in force',
    timeoutMs: 60_000
  })
  t.strictSame([await ask('the second password'), await ask('the first password')], [200, 401])

  putConfig({ 'tributary.yml': 'sources: nothing\n' })
  await until(() => /config file not usable; the last good one stays/.test(server.stderr), {
    what: 'the message about the broken file',
    timeoutMs: 60_000
  })
  t.equal(await track('wk_new'), 200, 'a broken file changes nothing')
  t.strictSame([server.pid, server.running], [pid, true], 'the server was not restarted')
})
