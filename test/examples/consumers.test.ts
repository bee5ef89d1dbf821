import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../cli/run.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..')
const CONSUMERS = {
  python: [join(REPOSITORY, '.cache', 'venv', 'bin', 'python'), join(REPOSITORY, 'examples', 'python', 'consumer.py')],
  node: [process.execPath, join(REPOSITORY, 'examples', 'node', 'consumer.ts')]
} as const

for (const [name, [program, script]] of Object.entries(CONSUMERS)) {
  t.test(`examples/${name} says that Kafka cannot be reached, or says nothing, and ends`, async t => {
    // Like a broker that hangs: connections are accepted, and nothing is answered.
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    t.teardown(() => silent.close())
    const { port } = silent.address() as AddressInfo
    const dir = t.testdir({})
    for (const brokers of [`127.0.0.1:${port}`, '127.0.0.1:1']) {
      const args = [
        script,
        '--brokers',
        brokers,
        '--topic',
        'events',
        '--database',
        join(dir, 'events.db'),
        '--timeout',
        '2'
      ]
      const { code, signal, stdout, stderr } = await run(program, args, { cwd: dir })
      t.strictSame([code, signal, stdout], [1, null, ''], brokers)
      t.match(stderr, `Kafka at ${brokers} cannot be read: `)
      t.notMatch(stderr, /Traceback|\n {4}at /, 'the error has no stack trace')
    }
  })
}
