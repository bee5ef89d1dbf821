import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cruise } from 'dependency-cruiser'
import type { ICruiseResult } from 'dependency-cruiser'
import t from 'tap'

const ROOT = join(import.meta.dirname, '..')

interface Rule {
  readonly name: string
  readonly from: { readonly pathNot?: string }
}
const config = createRequire(import.meta.url)(join(ROOT, '.dependency-cruiser.cjs')) as {
  readonly forbidden: readonly Rule[]
  readonly options: { readonly tsConfig: unknown }
}

/**
 * For each rule, the file that violates it and what that file imports. The other files of the table violate nothing.
 */
const BREAKS: Readonly<Record<string, readonly [file: string, imported: string]>> = {
  'src-model': ['src/model/breaks.ts', 'src/disk/file.ts'],
  'src-disk': ['src/disk/breaks.ts', 'src/model/type.ts'],
  'src-config': ['src/config/breaks.ts', 'src/http/file.ts'],
  'src-contract': ['src/contract/breaks.ts', 'src/ingest/file.ts'],
  'src-keys': ['src/keys/breaks.ts', 'src/config/file.ts'],
  'src-client': ['src/client/breaks.ts', 'src/http/file.ts'],
  'src-telemetry': ['src/telemetry/breaks.ts', 'src/ingest/file.ts'],
  'src-durability': ['src/durability/breaks.ts', 'src/ingest/file.ts'],
  'src-debugger': ['src/debugger/breaks.ts', 'src/http/file.ts'],
  'src-ingest': ['src/ingest/dedupe/breaks-top.ts', 'src/http/file.ts'],
  'src-governance': ['src/governance/breaks.ts', 'src/http/file.ts'],
  'src-http': ['src/http/breaks.ts', 'src/durability/file.ts'],
  'src-oauth': ['src/oauth/breaks.ts', 'src/config/file.ts'],
  'src-fleet': ['src/fleet/topics/breaks.ts', 'src/http/file.ts'],
  'no-folder-without-rules': ['src/newcomer/breaks.ts', 'src/model/type.ts'],
  'model-imports-nothing': ['src/model/breaks-node.ts', 'node:fs'],
  'ingest-is-pure': ['src/ingest/pipeline/breaks-node.ts', 'node:fs'],
  'only-dedupe-of-ingest-writes-files': ['src/ingest/pipeline/breaks-disk.ts', 'src/disk/file.ts'],
  'only-telemetry-makes-metrics': ['src/http/breaks-metrics.ts', '@prometheus-io/client'],
  'only-traces-load-opentelemetry': ['src/http/breaks-traces.ts', '@opentelemetry/api'],
  'only-durability-speaks-kafka': ['src/cli/breaks-kafka.ts', '@platformatic/kafka'],
  'nobody-imports-the-composition-root': ['src/http/breaks-root.ts', 'src/app/compose.ts'],
  'nobody-imports-the-command-line': ['src/app/breaks-cli.ts', 'src/cli/command.ts'],
  'src-stands-alone': ['src/http/breaks-alone.ts', 'test/support/file.ts'],
  'no-development-packages-in-src': ['src/http/breaks-package.ts', 'tap'],
  'no-cycles': ['src/http/breaks-cycle.ts', 'src/http/breaks-cycle.ts'],
  'no-unresolvable-imports': ['src/http/breaks-path.ts', 'src/http/nowhere.ts'],
  ...inner('config', { env: 'file', file: 'env' }),
  ...inner('keys', { store: 'edit', edit: 'store' }),
  ...inner('ingest', {
    parse: 'judge',
    dedupe: 'parse',
    route: 'judge',
    judge: 'enrich',
    enrich: 'route',
    govern: 'enrich',
    pipeline: 'other'
  }),
  ...inner('http', {
    body: 'server',
    caller: 'server',
    server: 'tracking',
    browser: 'tracking',
    tracking: 'pixel',
    pixel: 'browser'
  }),
  ...inner('durability', {
    log: 'kafka',
    lanes: 'spool',
    kafka: 'log',
    spool: 'search',
    search: 'lanes',
    archive: 'spool',
    erase: 'search'
  }),
  ...inner('durability/log', { segment: 'write', write: 'read', read: 'write' }),
  ...inner('durability/kafka', {
    encode: 'connect',
    security: 'connect',
    connect: 'topics',
    topics: 'send',
    send: 'other'
  }),
  ...inner('debugger', { ring: 'api', access: 'ring', live: 'api', api: 'page', page: 'api' }),
  ...inner('cli', {
    fleet: 'keys',
    keys: 'config',
    apps: 'plan',
    stored: 'keys',
    config: 'doctor',
    doctor: 'stored',
    export: 'doctor',
    rejected: 'doctor',
    running: 'stored',
    plan: 'stored',
    topics: 'stored'
  })
}

function inner(parent: string, breaks: Readonly<Record<string, string>>): Record<string, [string, string]> {
  return Object.fromEntries(
    Object.entries(breaks).map(([folder, neighbour]) => [
      `src-${parent}-${folder}`.replaceAll('/', '-'),
      [`src/${parent}/${folder}/breaks-inner.ts`, `src/${parent}/${neighbour}/file.ts`]
    ])
  )
}

function write(root: string, file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}

t.test('each import rule refuses the file that violates it', async t => {
  const root = mkdtempSync(join(tmpdir(), 'tributary-imports-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  for (const name of ['node_modules', 'package.json', 'tsconfig.json']) symlinkSync(join(ROOT, name), join(root, name))
  for (const [file, imported] of Object.values(BREAKS)) {
    const isPath = /^(src|test)\//.test(imported)
    const up = '../'.repeat(file.split('/').length - 1)
    write(root, file, `import * as imported from '${isPath ? up + imported : imported}'\nexport { imported }\n`)
    if (isPath && !imported.includes('breaks') && !imported.endsWith('nowhere.ts')) write(root, imported, 'export {}\n')
  }
  const { forbidden, options } = config
  const { output } = await cruise(
    ['src'],
    { ...options, baseDir: root, ruleSet: { forbidden }, validate: true } as Parameters<typeof cruise>[1],
    undefined,
    { tsConfig: { options: { allowImportingTsExtensions: true, moduleResolution: 99, module: 199 } } }
  )
  const { violations } = (output as ICruiseResult).summary
  for (const { name } of forbidden) {
    const [file] = BREAKS[name] ?? []
    t.ok(
      violations.some(({ rule, from }) => rule.name === name && from === file),
      `the rule ${name} refuses ${file ?? 'a file that this test does not know'}`
    )
  }
  t.strictSame(
    Object.keys(BREAKS).filter(name => !forbidden.some(rule => rule.name === name)),
    [],
    'the test covers every rule'
  )
})

t.test('every folder of src/ has an import rule of its own', async t => {
  const top = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter(entry => entry.isDirectory())
  const rule = config.forbidden.find(({ name }) => name === 'no-folder-without-rules')
  const known = new RegExp(rule?.from.pathNot ?? 'the rule is missing')
  for (const { name } of top) t.match(`src/${name}/`, known, name)
})
