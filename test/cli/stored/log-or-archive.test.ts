import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import { openArchiveFolder } from '../../../src/durability/archive/folder.ts'
import { ownFolder } from '../../support/own-folder.ts'
import { MAIN, run } from '../run.ts'
import type { Finished } from '../run.ts'

const recordOf = (id: string): string => {
  const receivedAt = '2026-11-23T10:00:00.000Z'
  const event = { userId: 'u', event: 'E', type: 'track', messageId: id, receivedAt }
  return `${JSON.stringify({ ...event, timestamp: receivedAt, projectId: 'web', version: 2 })}\n`
}

interface Switched {
  readonly dir: string
  /** Runs a command as beside a server that has got Kafka and ARCHIVE; nothing here needs the broker. */
  readonly tributary: (...args: string[]) => Promise<Finished>
}

/** The folders of a server after its switch to Kafka: the log has two events of before, the archive as many as asked for. */
async function switched(t: Test, archived: number): Promise<Switched> {
  const dir = ownFolder(t)
  const events = join(dir, 'data', 'events')
  mkdirSync(events, { recursive: true })
  writeFileSync(join(events, '20261123T100000Z-00000001.ndjson'), recordOf('old-1') + recordOf('old-2'))
  const folder = await openArchiveFolder(join(dir, 'archive'))
  const lines = Array.from({ length: archived }, (_, at) => recordOf(`new-${at}`))
  const latest = Date.parse('2026-11-23T10:00:00Z')
  if (archived > 0) await folder.commit({ bytes: zstdCompressSync(lines.join('')), latest, positions: {} })
  await folder.close()
  const env = { DATA_DIR: join(dir, 'data'), KAFKA_BROKERS: '127.0.0.1:9', ARCHIVE: join(dir, 'archive') }
  return { dir, tributary: (...args) => run(process.execPath, [MAIN, ...args], { cwd: dir, env }) }
}

t.test(
  'with ARCHIVE, replay reads the archive, and the log of the time before Kafka only if it is asked to',
  async t => {
    const { tributary } = await switched(t, 3)
    const replay = ['replay', '--topic', 'x', '--dry-run']
    const archive = await tributary(...replay)
    t.match([archive.code, archive.stdout], [0, /^3 records would be published to x, .* \(from the archive\)\n$/])
    t.match(archive.stderr, /archive goes to 2026-11-23T10:00:00\.000Z: what came since is in Kafka alone/)
    const log = await tributary(...replay, '--folder', 'events')
    t.match([log.code, log.stdout], [0, /^2 records would be published to x, .* \(from events\/\)\n$/])
    t.match(log.stderr, /from the log in .*data, which a server with Kafka does not write/)
    t.match(JSON.parse((await tributary(...replay, '--json')).stdout), { folder: 'archive', published: 3 })
  }
)

t.test('with ARCHIVE, export reads the archive, and the log of the time before Kafka only with --log', async t => {
  const { tributary } = await switched(t, 3)
  const archive = await tributary('export', '--out', 'all', '--format', 'csv')
  t.match([archive.code, archive.stdout], [0, /^3 rows written to all/])
  t.match(archive.stderr, /archive goes to 2026-11-23T10:00:00\.000Z: what came since is in Kafka alone/)
  const log = await tributary('export', '--out', 'old', '--format', 'csv', '--log')
  t.match([log.code, log.stdout], [0, /^2 rows written to old/])
  t.match(log.stderr, /from the log in .*data, which a server with Kafka does not write/)
  const other = await tributary('export', '--out', 'all', '--format', 'csv', '--log')
  t.match(other, { code: 1, stderr: /all/ }, 'an export of the log cannot continue an export of the archive')
  const both = await tributary('export', '--out', 'x', '--archive', '--log')
  t.match(both, { code: 2, stderr: /--archive and --log are two sources: choose one/ })
})

t.test('replay and export say of an archive without a segment that it has none yet', async t => {
  const { tributary } = await switched(t, 0)
  for (const args of [
    ['replay', '--topic', 'x', '--dry-run'],
    ['export', '--out', 'out']
  ]) {
    const { code, stdout, stderr } = await tributary(...args)
    t.match([code, stdout], [0, /^0 /], args.join(' '))
    t.match(stderr, /archive has no segment yet: the server writes one every five minutes/)
  }
})
