import t from 'tap'
import { describePlacement } from '../../../src/debugger/ring/describe-placement.ts'
import type { Placement } from '../../../src/model/sink.ts'

/** The words of the page, which are JavaScript for the browser. */
const page = (await import(new URL('../../../src/debugger/page/assets/parts/format.js', import.meta.url).href)) as {
  describePlace(place: Placement): string
}

const spooled: Placement = { store: 'spool', file: 'spool/20261129T120000Z-00000001.ndjson', position: 7 }
const refused: Placement = { store: 'spool', file: 'spool/refused.jsonl', position: 7, topic: 'tributary.events' }
const WORDS = [
  ['trace', describePlacement],
  ['the page', page.describePlace]
] as const

for (const [name, describe] of WORDS) {
  t.test(
    `${name} says of a spooled record that Kafka gets it or has it, and of a refused one that it does not`,
    async t => {
      t.match(describe(spooled), /^spool\/\S+, byte 7 \(the spool: Kafka gets it from there, or has it already\)$/)
      t.match(describe(refused), /^spool\/refused\.jsonl, byte 7 \(Kafka refuses it: see .?tributary refused list.?\)$/)
    }
  )

  t.test(`${name} says of a record in the log no more than its place`, async t => {
    t.equal(describe({ store: 'log', file: 'events/a.ndjson', position: 0 }), 'events/a.ndjson, byte 0')
  })
}
