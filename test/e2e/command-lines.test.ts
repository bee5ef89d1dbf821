/** Every command line of README and docs runs unchanged, in the page's order, against a server with events. */
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { run } from '../cli/run.ts'
import { commandBlocks, PAGES } from '../support/docs/command-lines.ts'
import { interrupted, openDocsPlace, serve, writeKeys, type DocsPlace } from '../support/docs/docs-place.ts'
import { startKafka, type Kafka } from '../support/kafka.ts'
import { TLS } from '../support/tls.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** Commands that do not run here. */
const NOT_RUN: readonly (readonly [RegExp, why: string])[] = [
  [/^npm (ci|install|pack)/, 'a run of the tests begins with it; test/e2e/package packs and installs'],
  [/^docker /, 'needs a container engine; test/docker checks the files'],
  [/^(helm|kubectl) /, 'needs a cluster; test/deploy renders and checks the chart'],
  [/^(mvn|java) .*examples\/kafka-streams/, 'test/fleet/dedupe-after-kafka runs this example'],
  [/^kafka-acls\.sh /, 'test/clusters/doctor grants these rights'],
  [/^kcat /, 'kcat is not installed; the line before it reads a file in its place']
]

/** Commands that run until they are interrupted. */
const ENDLESS = /^tributary (tail|top)\b/
/** Commands that become a server. */
const SERVES = /\b(npm start|tributary serve\b.*)$/
/** Exit codes other than 0: unlike in the test suite of the page, refused events arrived here. */
const EXIT_CODES: Readonly<Record<string, number>> = { 'tributary expect --outcome rejected --none --timeout 1s': 1 }

t.test('every command line of README and docs runs, exits as expected, and prints something', async t => {
  const kafka = await startKafka()
  t.teardown(() => kafka.stop())
  for (const page of PAGES) {
    const blocks = commandBlocks(page)
    if (blocks.length > 0) await t.test(page, async t => await runPage(t, blocks, kafka))
  }
})

async function runPage(t: Test, blocks: readonly (readonly string[])[], kafka: Kafka): Promise<void> {
  const place = await openDocsPlace(t, kafka)
  for (const block of blocks) {
    if (block.every(line => /^[A-Z_]+=(\S+|<.*>)$/.test(line))) await checkVariables(t, block, place)
    else await runBlock(t, block, place)
  }
}

/** Runs the lines of a block. Servers that they start run until its end. */
async function runBlock(t: Test, block: readonly string[], place: DocsPlace): Promise<void> {
  const ends: (() => Promise<void>)[] = []
  for (const line of block) {
    if (NOT_RUN.some(([form]) => form.test(line))) continue
    const command = await inPlace(line, place)
    if (SERVES.test(command)) ends.push(await serve(t, command, place.second))
    else await runLine(t, line, command, place)
  }
  for (const end of ends) await end()
}

async function runLine(t: Test, line: string, command: string, place: DocsPlace): Promise<void> {
  const { server, env, second, kafka, send } = place
  if (line === 'systemctl stop tributary') return void t.equal((await server.kill('SIGTERM')).code, 0, line)
  if (line === 'systemctl start tributary') return await server.start()
  const withKafka = { ...env, KAFKA_BROKERS: kafka.brokers.join() }
  const given = line.includes('KAFKA_BROKERS=') ? second : line.includes('--topic ') ? withKafka : env
  await prepare(line, server.dir, env)
  if (/ send | trace /.test(line)) await send({ event: 'The key is in force' })
  if (ENDLESS.test(command)) return void t.ok(await interrupted(command, server.dir, given), `${line} prints something`)
  const done = await run('bash', ['-o', 'pipefail', '-c', command], { cwd: server.dir, env: given })
  const seen = { command, stdout: done.stdout.slice(-1_000), stderr: done.stderr.slice(-1_000) }
  t.equal(done.code, EXIT_CODES[line] ?? 0, line, seen)
  if (command.startsWith('tributary ') && !command.includes('--json'))
    t.ok(done.stdout + done.stderr, `${line} prints something`)
}

/** The line with real values in place of the page's examples. */
async function inPlace(line: string, { server, env, kafka, send }: DocsPlace): Promise<string> {
  const messageId = line.includes('MESSAGE_ID') ? await send({ event: 'Traced' }) : ''
  const listed = line.includes('REJECTED_ID') ? await listRejected(server.dir, env) : ''
  const [, rejectedId = ''] = /^ {4}ID (\S+)$/m.exec(listed) ?? []
  return line
    .replace('npx tributary', 'tributary')
    .replaceAll('wk_...', writeKeys(server)[0] ?? '')
    .replaceAll('MESSAGE_ID', messageId)
    .replaceAll('REJECTED_ID', rejectedId)
    .replaceAll('http://127.0.0.1:3000', server.url)
    .replaceAll('https://events.example.com', server.url)
    .replaceAll(/localhost:9092|kafka-1:9092,kafka-2:9092/g, kafka.brokers.join())
    .replaceAll('/tmp/', `${server.dir}/`)
}

async function listRejected(cwd: string, env: Record<string, string>): Promise<string> {
  return (await run('tributary', ['rejected', 'list'], { cwd, env })).stdout
}

/** Creates the files that a line reads, and files that a reader of the page has from elsewhere. */
async function prepare(line: string, dir: string, env: Record<string, string>): Promise<void> {
  const events = join(dir, 'data', 'events')
  const newest = readdirSync(events).findLast(name => name.endsWith('.ndjson')) ?? ''
  if (line.includes('events.ndjson')) copyFileSync(join(events, newest), join(dir, 'events.ndjson'))
  if (line.includes('requests.csv')) writeFileSync(join(dir, 'requests.csv'), 'user-1001,erase\nuser-1002,erase\n')
  if (line.includes('--plan plans/shop.yml') && !existsSync(join(dir, 'plans', 'shop.yml')))
    await run('tributary', ['plan', 'import', 'rules-1.json', '--out', 'plans/shop.yml'], { cwd: dir, env })
  const rules = 'docker/prometheus/rules.yml'
  if (line.includes(rules)) cpSync(join(ROOT, rules), join(dir, rules))
  if (line.startsWith('git show main:')) {
    const commit = 'git add plans && git -c user.name=t -c user.email=t@example.com commit -qm plans'
    await run('sh', ['-c', `git init -qb main && ${commit}`], { cwd: dir, env })
  }
}

/** A block of variables: the server accepts them, with existing files in place of the named ones. */
async function checkVariables(t: Test, block: readonly string[], { server, env }: DocsPlace): Promise<void> {
  mkdirSync(join(server.dir, 'files'), { recursive: true })
  const variables = block.map(line => {
    const [, name = '', value = ''] = /^([A-Z_]+)=(.*)$/.exec(line) ?? []
    const file = join(server.dir, 'files', value.replaceAll('/', '-'))
    const isFile = /_FILE$|_CA$|_CERT$|_KEY$/.test(name)
    if (isFile) writeFileSync(file, name.endsWith('_KEY') ? TLS.key : name.endsWith('_FILE') ? 'a secret\n' : TLS.cert)
    return [name, isFile ? file : value.replace(/^'(.*)'$/, '$1')] as const
  })
  const given = { ...env, ...Object.fromEntries(variables) }
  const done = await run('tributary', ['config'], { cwd: server.dir, env: given })
  t.equal(done.code, 0, `the server accepts ${variables.map(([name]) => name).join()}`, { stderr: done.stderr })
}
