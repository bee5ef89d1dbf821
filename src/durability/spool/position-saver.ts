import { describeFileError } from '../log/segment/files.ts'
import type { KafkaLanes } from '../kafka/lanes.ts'
import type { SpoolLog } from './spool-log.ts'
import { NO_PLACE } from '../lanes/place.ts'

/** Saves the positions of the lanes, and deletes segments that every lane has passed. */
export interface PositionSaver {
  /** To be called when records were confirmed. */
  onConfirmed(): void
  /** Saves the last positions and stops. */
  stop(): Promise<void>
}

/** An unsaved position costs copies after a crash, never events, so this interval is short enough. */
const INTERVAL_MS = 200
const RETRY_MS = 1_000

export function createPositionSaver(options: {
  readonly lanes: KafkaLanes
  readonly spoolLog: SpoolLog
}): PositionSaver {
  const { spoolLog } = options
  const { board, partitions, troubles } = options.lanes
  let timer: NodeJS.Timeout | undefined
  let saving: Promise<void> = Promise.resolve()
  let isStopped = false
  let keptFloor = -1

  async function save(): Promise<void> {
    const floor = board.floor()
    const { end } = board
    const lanes = board.lanes.map(lane => {
      const place = lane.position()
      return { topic: lane.topic, partition: lane.partition, place: place === NO_PLACE ? end : place }
    })
    // While a lane is late, the next event is written to the active segment: keep it.
    const isQuiet = floor >= end && board.lanes.every(({ late }) => !late)
    try {
      await spoolLog.save({ floor, lanes, partitions })
      keptFloor = floor
      await spoolLog.clear(floor, isQuiet || isStopped)
      troubles.clear('positions')
    } catch (error) {
      const words = `how far Kafka has the log cannot be written (${describeFileError(error)}): a restart would send events twice`
      troubles.set('positions', words)
      if (!isStopped) schedule(RETRY_MS)
    }
  }

  function schedule(ms: number): void {
    timer ??= setTimeout(() => {
      timer = undefined
      saving = saving.then(save)
    }, ms)
  }

  return {
    onConfirmed() {
      // Lanes that do not use the log have no position to save.
      const isIdle = keptFloor >= board.end && board.lanes.every(({ late }) => !late)
      if (!isStopped && !isIdle) schedule(INTERVAL_MS)
    },
    async stop() {
      isStopped = true
      clearTimeout(timer)
      saving = saving.then(save)
      await saving
    }
  }
}
