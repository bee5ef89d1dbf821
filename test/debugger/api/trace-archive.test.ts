import { join } from 'node:path'
import t from 'tap'
import { MAIN, run } from '../../cli/run.ts'
import { writeArchive } from '../../support/archive-folder.ts'
import { freePort } from '../../support/kafka-process.ts'
import { ownFolder } from '../../support/own-folder.ts'
import { startServer } from '../../support/server-process.ts'

interface Found {
  readonly events: readonly object[]
  readonly records: readonly { readonly value: string }[]
  readonly looks: readonly { readonly place: string }[]
}

const ARCHIVED = '{"type":"track","event":"Long ago","messageId":"archived-1"}'

for (const workers of ['off', '2']) {
  t.test(`an event that only the archive has is found there, with WORKERS=${workers}`, async t => {
    const dir = ownFolder(t)
    const archive = join(dir, 'archive')
    await writeArchive(archive, [['{"messageId":"other"}', ARCHIVED], ['{"messageId":"newer"}']])
    // A Kafka that is away: the archive is searched all the same.
    const brokers = { KAFKA_BROKERS: `127.0.0.1:${await freePort()}` }
    const server = await startServer(t, { dir, env: { ...brokers, ARCHIVE: archive, WORKERS: workers } })
    const trace = async (id: string) => (await (await fetch(`${server.adminUrl}/api/trace/${id}`)).json()) as Found
    const { events, records, looks } = await trace('archived-1')
    t.strictSame(events, [])
    const file = join(archive, '20261101T000000Z-00000001.ndjson.zst')
    t.match(records, [{ place: { store: 'archive', file, position: 22 }, line: 2, value: ARCHIVED }])
    t.strictSame(
      looks.map(({ place }) => place),
      ['memory', 'log', 'kafka', 'archive']
    )
    t.match(looks, [{ found: 0 }, { found: 0 }, { problem: String }, { found: 1, complete: true }])
    t.match((await trace('never-sent')).looks.at(-1), { place: 'archive', found: 0, complete: true })
    const overview = (await (await fetch(`${server.adminUrl}/api/overview`)).json()) as { state: object }
    t.match(overview.state, { archive: { bytes: Number, lost: 0 } }, 'Overview shows the archive of the first worker')
    if (workers !== 'off') return

    const env = { PORT: new URL(server.url).port, ADMIN_PORT: new URL(server.adminUrl).port }
    const { stdout, code } = await run(process.execPath, [MAIN, 'trace', 'archived-1'], { cwd: dir, env })
    t.equal(code, 0)
    t.match(stdout, /^the archive: 1 found in \d+ ms$/m)
    t.ok(stdout.includes(`${file} of the archive, byte 22 when decompressed, line 2\n  ${ARCHIVED}`), stdout)
  })
}
