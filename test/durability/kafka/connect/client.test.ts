import t from 'tap'
import '../../../../src/durability/kafka/connect/client.ts'
import { ajv, Producer } from '@platformatic/kafka'
import { Ajv2020 } from 'ajv/dist/2020.js'

t.test('nothing is compiled as the client is loaded', async t => {
  const { _cache: known } = ajv as unknown as { _cache: ReadonlyMap<{ $id?: string }, unknown> }
  const ids = [...known.keys()].map(({ $id = 'a schema of options' }) => $id)
  t.strictSame(
    ids.filter(id => !id.startsWith('https://json-schema.org/')),
    []
  )
})

t.test('its strict mode still judges options, compiling what it asks then', async t => {
  const options = { clientId: 'tributary', bootstrapBrokers: ['127.0.0.1:9092'], strict: true }
  const producer = new Producer(options)
  await producer.close()
  t.throws(() => new Producer({ ...options, clientId: 'two words' }), /clientId/)
})

t.test('everybody else compiles at once', async t => {
  t.throws(() => new Ajv2020().compile({ type: 'nonsense' }))
  t.strictSame(new Ajv2020().compile({ type: 'string' }).schema, { type: 'string' })
})
