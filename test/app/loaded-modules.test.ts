import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { ownFolder } from '../support/own-folder.ts'
import { createServerProcess } from '../support/server-process.ts'
import { START_ARGS } from '../support/start-args.ts'

/** Writes the URL of each module that is loaded to the file in MODULES. */
const HOOK = `
import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
registerHooks({
  load(url, context, next) {
    appendFileSync(process.env.MODULES, url + '\\n')
    return next(url, context)
  }
})
`

/** Packages and folders that only some configurations need. Each costs time at the start, and memory permanently. */
const UNUSED = [
  'node_modules/ajv/dist/compile/',
  'node_modules/jose/',
  'node_modules/re2js/',
  'node_modules/@platformatic/'
]

t.test('a server without plans, tokens and Kafka loads no module that only these need', async t => {
  const dir = ownFolder(t)
  const [hook, modules] = [join(dir, 'hook.mjs'), join(dir, 'modules')]
  writeFileSync(hook, HOOK)
  const startArgs = [`--import=${pathToFileURL(hook).href}`, ...START_ARGS]
  const server = await createServerProcess(t, { dir, env: { MODULES: modules }, startArgs })
  // The first start of a checkout compiles its schemas and stores them.
  await server.start()
  await server.kill('SIGTERM')
  writeFileSync(modules, '')
  await server.start()
  await server.accepts(60_000)
  const loaded = readFileSync(modules, 'utf8').split('\n')
  t.ok(
    loaded.some(url => url.includes('node_modules/fastify/')),
    'the list contains the loaded modules'
  )
  for (const unused of UNUSED) t.strictSame(loaded.filter(url => url.includes(unused)).slice(0, 3), [], unused)
})
