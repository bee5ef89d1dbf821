import t from 'tap'
import { withRoutings } from '../../../src/debugger/api/record-routing.ts'
import { createMask } from '../../../src/debugger/ring/mask.ts'
import { parseTributaryFile } from '../../../src/config/file/tributary-file.ts'
import { createExplainer } from '../../../src/ingest/route/explain.ts'
import { NOISE, routingLines, RULES_CONFIG } from '../../support/routing.ts'
import type { ShownRouting } from '../../support/routing.ts'

t.test(
  'The records of one event in several topics of Kafka have one list of destinations, with the place in each topic',
  async t => {
    const { destinations } = parseTributaryFile(RULES_CONFIG, 'tributary.yml').file
    const history = () => [{ since: 0, destinations }]
    const explain = createExplainer({ history, eventsTopic: 'all', hasKafka: true })
    const mask = createMask({ isKey: () => false, lengths: () => new Set(), version: () => 0 })
    const facts = { type: 'track', projectId: 'web', receivedAt: '2026-11-23T12:00:00.000Z', version: 2 }
    const value = JSON.stringify({ ...NOISE, ...facts })
    const place = (topic: string, offset: string) => ({ store: 'kafka', topic, partition: 1, offset }) as const
    const other = JSON.stringify({ ...NOISE, ...facts, receivedAt: '2026-11-23T12:00:01.000Z' })
    const shown = withRoutings(
      [
        { place: place('all', '5'), value },
        { place: place('open', '7'), value },
        { place: place('open', '8'), value: other },
        { place: place('bad', '9'), value: '{"code":"no_user_anon_id","event":{}}' }
      ],
      { explain, mask }
    )
    const lines = shown.map(({ routing }) => (routing === undefined ? [] : routingLines(routing as ShownRouting)))
    t.equal(lines[0]?.[0], 'Open: sent, open, partition 1, offset 7')
    t.strictSame(lines[1], [], 'the same event')
    t.equal(lines[2]?.[0], 'Open: sent, open, partition 1, offset 8', 'another event with the same messageId')
    t.strictSame(lines[3], [], 'a refused event')
  }
)
