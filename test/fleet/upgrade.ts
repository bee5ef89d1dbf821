/**
 * Part of `npm run test:fleet`: the servers of a fleet of an earlier version are replaced one after the other, and then
 * replaced back, under load. The earlier version is a commit of this repository: UPGRADE_FROM, or one that does not yet
 * share messageIds.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startTable } from '../support/fleet-table.ts'
import { statusWith } from '../support/fleet.ts'
import { START_ARGS, startArgsOf } from '../support/start-args.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const FROM = process.env['UPGRADE_FROM'] ?? '706ac73'

/** A checkout of the commit, with this one's packages. */
function checkOut(): string {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-earlier-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const archive = execFileSync('git', ['-C', ROOT, 'archive', FROM], { maxBuffer: 1024 ** 3 })
  execFileSync('tar', ['-x', '-C', dir], { input: archive })
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
  return dir
}

const earlier = startArgsOf(checkOut())
const { fleet, servers, spread, run } = await startTable(t, {}, earlier)
await run(t, 'warm', { through: spread, seconds: 10 })

for (const [name, startArgs] of [
  [`a rolling upgrade from ${FROM}`, START_ARGS],
  [`a rolling return to ${FROM}`, earlier]
] as const) {
  await t.test(`${name} costs no request and no duplicate, and keys are in force on both versions`, async t => {
    const replaceAll = async (): Promise<void> => {
      for (const server of servers) {
        t.match(await server.kill('SIGTERM'), { code: 0 })
        await server.start({ startArgs })
        await server.ready(60_000)
        await spread.knows(3)
        const added = await fleet.tributary(['keys', 'add', 'web'])
        t.match(added, { code: 0, stderr: /^in force on 3 of 3 servers/m })
        for (const { url } of servers) t.equal(await statusWith(added.stdout.trim(), url), 200)
      }
    }
    const { failed, shed, duplicates } = await run(t, name, { through: spread, seconds: 20, fault: replaceAll })
    t.same([failed, shed], [{}, 0], 'each request was answered 200')
    t.equal(duplicates, 0)
  })
}
