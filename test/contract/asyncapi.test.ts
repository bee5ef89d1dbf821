import { Parser } from '@asyncapi/parser'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { EVENT_TYPES } from '../../src/model/event-types.ts'

const FILE = join(import.meta.dirname, '..', '..', 'asyncapi.yml')

const { document, diagnostics } = await new Parser().parse(readFileSync(FILE, 'utf8'), { source: FILE })

t.test("asyncapi.yml is valid by AsyncAPI's own parser, without a warning", async t => {
  t.same(
    diagnostics.map(({ code, message, path, severity }) => ({ code, message, path: path.join('.'), severity })),
    []
  )
  t.ok(document)
})

t.test('it describes every kind of topic, with key, headers and value', async t => {
  const channels = document?.channels().all() ?? []
  t.same(
    channels.map(channel => channel.address()),
    ['tributary.events', '{topic}', 'tributary.rejected', 'tributary.violations']
  )
  for (const channel of channels) {
    const [message] = channel.messages().all()
    t.ok(message?.bindings().get('kafka')?.value()['key'], channel.id())
    t.same(message?.headers()?.required(), [
      channel.id() === 'rejected' ? 'code' : 'type',
      'source',
      'messageId',
      'receivedAt'
    ])
    t.ok(message?.payload()?.properties()?.['receivedAt'], 'the schema of the value is that of the records')
  }
  t.same(document?.components().messages().get('event')?.headers()?.property('type')?.enum(), EVENT_TYPES)
})
