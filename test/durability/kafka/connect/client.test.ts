import t from 'tap'
import '../../../../src/durability/kafka/connect/client.ts'
import { ajv, Producer } from '@platformatic/kafka'
import { Ajv2020 } from 'ajv/dist/2020.js'

t.test('loading the client compiles no schema', async t => {
  const { _cache: known } = ajv as unknown as { _cache: ReadonlyMap<{ $id?: string }, unknown> }
  const ids = [...known.keys()].map(({ $id = 'a schema of options' }) => $id)
  t.strictSame(
    ids.filter(id => !id.startsWith('https://json-schema.org/')),
    []
  )
})

t.test("the client's strict mode still checks options, and compiles their schemas then", async t => {
  const options = { clientId: 'tributary', bootstrapBrokers: ['127.0.0.1:9092'], strict: true }
  const producer = new Producer(options)
  await producer.close()
  t.throws(() => new Producer({ ...options, clientId: 'two words' }), /clientId/)
})

t.test('all other users of ajv compile at once', async t => {
  t.throws(() => new Ajv2020().compile({ type: 'nonsense' }))
  t.strictSame(new Ajv2020().compile({ type: 'string' }).schema, { type: 'string' })
})
