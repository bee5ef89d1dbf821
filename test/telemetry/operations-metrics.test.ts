/** The metrics that operators need first. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { CONFIG, startApp } from '../support/app.ts'
import type { TestApp } from '../support/app.ts'
import { readMetrics } from '../support/metrics.ts'
import type { Sample } from '../support/metrics.ts'
import { until } from '../support/until.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

async function sampleOf({ adminUrl }: TestApp, name: string): Promise<Sample | undefined> {
  return (await readMetrics(adminUrl)).find(sample => sample.name === name)
}

t.test('The metrics show which version runs, and how full the disk of DATA_DIR is', async t => {
  const server = await startApp(t, { sink: 'configured' })
  t.match(await sampleOf(server, 'tributary_build_info'), { labels: { version }, value: 1 })
  const [free, size] = [
    await sampleOf(server, 'tributary_disk_free_bytes'),
    await sampleOf(server, 'tributary_disk_size_bytes')
  ]
  t.ok(
    (free?.value ?? 0) > 0 && (free?.value ?? 0) <= (size?.value ?? 0),
    `${free?.value} of ${size?.value} bytes are free`
  )
})

t.test('The metrics show a refused edit until it is corrected; the configuration in force has a digest', async t => {
  const server = await startApp(t)
  const file = join(server.dir, 'tributary.yml')
  const isUsed = async (): Promise<number | undefined> =>
    (await sampleOf(server, 'tributary_config_last_reload_successful'))?.value
  const hash = async (): Promise<string | undefined> =>
    (await sampleOf(server, 'tributary_config_hash_info'))?.labels['hash']
  const edit = async (text: string, wanted: number): Promise<void> => {
    writeFileSync(file, text)
    server.app.reload()
    await until(async () => (await isUsed()) === wanted, {
      what: `the metric of the edit to be ${wanted}`,
      timeoutMs: 30_000
    })
  }
  const first = await hash()
  t.match(first, /^[0-9a-f]{16}$/)
  t.equal(await isUsed(), 1)
  await edit('sources: [', 0)
  t.equal(await hash(), first, 'the last valid configuration is in force')
  await edit(`${CONFIG}# another\n`, 1)
  t.not(await hash(), first)
  await edit('sources: [', 0)
  await edit(CONFIG, 1)
  t.equal(await hash(), first, 'the same text has the same digest')
  t.equal(
    await hash(),
    await sampleOf(await startApp(t), 'tributary_config_hash_info').then(one => one?.labels['hash'])
  )
})

t.test('An edit whose tracking plan cannot be used counts as refused', async t => {
  const server = await startApp(t)
  const text = CONFIG.replace('  - id: web\n', '  - id: web\n    plan: { file: missing.json }\n')
  writeFileSync(join(server.dir, 'tributary.yml'), text)
  server.app.reload()
  const isRefused = async (): Promise<boolean> =>
    (await sampleOf(server, 'tributary_config_last_reload_successful'))?.value === 0
  await until(isRefused, { what: 'the edit to count as refused', timeoutMs: 30_000 })
})
