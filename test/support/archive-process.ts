/** Archives a topic, a segment for each look at Kafka, until it is ended: `archive-process.ts DIR BROKERS TOPIC`. */
import { Archiver } from '../../src/durability/archive/archiver.ts'

const [dir = '', brokers = '', topic = ''] = process.argv.slice(2)
const say = (fields: object, says: string): void => void process.stderr.write(`${says} ${JSON.stringify(fields)}\n`)
const archiver = new Archiver({
  dir,
  settings: { brokers: brokers.split(','), clientId: 'archive-test' },
  topics: () => [topic],
  retention: {},
  clock: { now: Date.now, monotonic: () => performance.now() },
  log: { info: say, warn: say, error: say },
  segmentAgeMs: 0,
  pauseMs: 100
})
process.on('SIGTERM', () => void archiver.close().then(() => process.exit()))
setInterval(() => undefined, 1_000)
