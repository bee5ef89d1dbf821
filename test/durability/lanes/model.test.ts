import fc from 'fast-check'
import t from 'tap'
import { LaneWorld } from '../../support/lane-world.ts'

/** `HISTORIES=1000000 npm run test:lanes` for the long form. */
const HISTORIES = Number(process.env['HISTORIES'] ?? 20_000)

t.test(
  'whatever is published, confirmed late, refused, lost, written, read, crashed and started: no acknowledged record is lost, none goes again that was confirmed, and each key is in order',
  { timeout: HISTORIES * 10 + 60_000 },
  async t => {
    const step = fc.tuple(fc.nat(20), fc.nat(0xffff))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), steps => {
        const world = new LaneWorld()
        for (const [choice, detail] of steps) world.step(choice, detail)
        world.finish()
      }),
      { numRuns: HISTORIES }
    )
    t.pass(`${HISTORIES} histories`)
  }
)
