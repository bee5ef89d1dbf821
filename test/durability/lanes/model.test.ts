import fc from 'fast-check'
import t from 'tap'
import { LaneWorld } from '../../support/lane-world.ts'

/**
 * A history that random ones produce once in a million: a topic gets a partition, its key moves, and a crash sends a
 * copy of the key's confirmed record to the new partition, after the next record of the key.
 */
const COPY_IN_NEW_PARTITION: [number, number][] = [
  ...([
    [0, 35409],
    [18, 0],
    [13, 15597],
    [3, 0],
    [7, 0],
    [9, 0]
  ] as [number, number][]),
  ...([
    [0, 35793],
    [20, 6777],
    [18, 54262],
    [3, 0],
    [19, 0]
  ] as [number, number][])
]

/** `HISTORIES=1000000 npm run test:lanes` runs the long form. */
const HISTORIES = Number(process.env['HISTORIES'] ?? 20_000)

t.test(
  'with any sequence of publishes, late confirmations, refusals, losses, writes, reads, crashes and starts: no acknowledged record is lost, no confirmed record is sent again, and each key is in order',
  { timeout: HISTORIES * 10 + 60_000 },
  async t => {
    const step = fc.tuple(fc.nat(20), fc.nat(0xffff))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), steps => {
        const world = new LaneWorld()
        for (const [choice, detail] of steps) world.step(choice, detail)
        world.finish()
      }),
      { numRuns: HISTORIES, examples: [[COPY_IN_NEW_PARTITION]] }
    )
    t.pass(`${HISTORIES} histories hold the promise`)
  }
)
