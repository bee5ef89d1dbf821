/** The forms in which the server writes its log. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../cli/run.ts'

const LOGGER = new URL('../../src/telemetry/logger.ts', import.meta.url).href

/** The output of a logger with this style for a line about a source, and for one about an error. */
async function written(style: object): Promise<string> {
  const program = `
    const { createLogger } = await import(${JSON.stringify(LOGGER)})
    const log = createLogger({ logLevel: 'info', ...${JSON.stringify(style)} })
    log.info({ source: 'web', writeKey: 'wk_secret', deep: { password: 'hunter2' }, headers: { authorization: 'Basic x' } }, 'hello')
    log.child({ worker: 1 }).error({ err: new TypeError('broken') }, 'sorry')
    log.debug({}, 'not this')
  `
  const file = join(t.testdir({}), 'log.mjs')
  writeFileSync(file, program)
  const { stderr } = await run(process.execPath, [file], { cwd: '/' })
  return stderr
}

async function lines(style: object): Promise<Record<string, unknown>[]> {
  const text = await written(style)
  t.notMatch(text, /wk_secret|hunter2|Basic x/, 'the log contains no secret')
  return text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
}

t.test('Lines are JSON with milliseconds and numbers by default, or with RFC 3339 and names', async t => {
  t.match(await lines({}), [
    { level: 30, time: Number, source: 'web', msg: 'hello' },
    { level: 50, worker: 1, err: { type: 'TypeError', message: 'broken', stack: String }, msg: 'sorry' }
  ])
  t.match(await lines({ logFormat: 'json', logTime: 'iso', logLevelAs: 'name' }), [
    { level: 'info', time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, msg: 'hello' },
    { level: 'error', time: /Z$/, msg: 'sorry' }
  ])
})

t.test(
  "Lines are in Elastic's common schema if configured, and fields with another meaning there have our own names",
  async t => {
    const [hello, sorry] = await lines({ logFormat: 'ecs' })
    t.match(hello, {
      '@timestamp': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
      'log.level': 'info',
      message: 'hello',
      'ecs.version': /^8\./,
      'service.name': 'tributary',
      'process.pid': Number,
      tributary: { source: 'web' }
    })
    t.match(sorry, {
      'log.level': 'error',
      worker: 1,
      error: { type: 'TypeError', message: 'broken', stack_trace: /TypeError: broken\n/ }
    })
    for (const name of ['level', 'time', 'msg', 'source', 'err'])
      t.notOk(name in (hello ?? {}) || name in (sorry ?? {}), name)
  }
)

t.test('Lines are for people if configured, on any output', async t => {
  const text = await written({ logFormat: 'pretty' })
  t.match(text, /INFO.*: .*hello/)
  t.notMatch(text, /wk_secret|hunter2|Basic x|^\{/m)
})
