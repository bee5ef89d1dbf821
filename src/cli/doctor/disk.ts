import { randomUUID } from 'node:crypto'
import { mkdir, open, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { readDiskUsage } from '../../app/parts/disk.ts'
import type { Config } from '../../config/env/config.ts'
import { readSpoolStatus, type SpoolStatus } from '../../durability/spool/status.ts'
import { FULL_SOON_MS, describeSize, describeTimeUntilFull } from '../../model/operations/disk-words.ts'
import type { Finding } from './finding.ts'

const LITTLE_SPACE_BYTES = 1024 ** 3
const SLOW_SYNC_MS = 50
/** The most difference between the clocks of this machine and of a remote disk. */
const MAX_CLOCK_GAP_MS = 5_000

/** Checks DATA_DIR: whether it can be written and synced, how fast, its free space, and the clock of its disk. */
export async function checkDisk(config: Config): Promise<Finding[]> {
  const { dataDir, kafka, spoolMaxBytes } = config
  const dir = resolve(dataDir)
  const probe = join(dir, `.doctor-${randomUUID()}`)
  const found: Finding[] = []
  try {
    await mkdir(dir, { recursive: true })
    const { syncMs, writtenAt } = await writeProbe(probe)
    found.push(...judgeSync(dir, syncMs), ...judgeClock(dir, Date.now() - writtenAt))
    const { freeBytes, fullInMs } = await readDiskUsage(config, Date.now())
    found.push(...judgeSpace(dir, freeBytes, kafka === undefined ? 0 : spoolMaxBytes), ...judgeGrowth(dir, fullInMs))
    found.push(...judgeSpool(await readSpoolStatus(dir)))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    found.push({
      level: 'problem',
      area: 'disk',
      says: `DATA_DIR (${dir}) cannot be written: ${code ?? message}`,
      todo: `Make the folder, give it to the user that runs the server, or set DATA_DIR; its parent is ${dirname(dir)}.`
    })
  } finally {
    await unlink(probe).catch(() => undefined)
  }
  return found
}

async function writeProbe(path: string): Promise<{ syncMs: number; writtenAt: number }> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile('probe')
    const start = performance.now()
    await handle.datasync()
    return { syncMs: performance.now() - start, writtenAt: (await stat(path)).mtimeMs }
  } finally {
    await handle.close()
  }
}

function judgeSpool({ dir, bytes, refused }: SpoolStatus): Finding[] {
  const found: Finding[] = []
  if (bytes > 0) {
    const todo = 'A running server sends them when Kafka takes them; without one, run "tributary spool drain".'
    found.push({ level: 'warning', area: 'disk', says: `${bytes} bytes wait for Kafka in ${dir}`, todo })
  }
  if (refused > 0) {
    const todo = 'See "tributary refused list"; after mending the cause, "tributary refused retry".'
    found.push({ level: 'warning', area: 'disk', says: `Kafka refused ${refused} records for good`, todo })
  }
  return found
}

function judgeSync(dir: string, ms: number): Finding[] {
  if (ms < SLOW_SYNC_MS)
    return [{ level: 'ok', area: 'disk', says: `${dir} is written and synced in ${ms.toFixed(1)} ms` }]
  return [
    {
      level: 'warning',
      area: 'disk',
      says: `${dir} takes ${Math.round(ms)} ms to sync a file; without Kafka every answer waits for that`,
      todo: 'Use a local SSD for DATA_DIR.'
    }
  ]
}

function judgeClock(dir: string, gapMs: number): Finding[] {
  if (Math.abs(gapMs) < MAX_CLOCK_GAP_MS) return []
  return [
    {
      level: 'warning',
      area: 'clock',
      says: `the disk of ${dir} and this machine are ${Math.round(Math.abs(gapMs) / 1000)} s apart`,
      todo: 'Let NTP set the clocks of both.'
    }
  ]
}

/** Judges when a log without retention fills the disk at its present rate. */
function judgeGrowth(dir: string, fullInMs: number | undefined): Finding[] {
  const words = describeTimeUntilFull(fullInMs)
  if (fullInMs === undefined || words === undefined) return []
  const says = `the disk of ${dir} is ${words}: LOG_RETENTION=keep keeps all events`
  const todo = 'Set LOG_RETENTION to an age or a size, move old segments elsewhere, or enlarge the disk.'
  return [
    fullInMs < FULL_SOON_MS ? { level: 'warning', area: 'disk', says, todo } : { level: 'note', area: 'disk', says }
  ]
}

function judgeSpace(dir: string, free: number, wanted: number): Finding[] {
  if (free < LITTLE_SPACE_BYTES) {
    return [
      {
        level: 'problem',
        area: 'disk',
        says: `only ${describeSize(free)} are free for ${dir}: when it is full, events are answered with 503`,
        todo: 'Free space, set LOG_RETENTION, or move DATA_DIR to a larger disk.'
      }
    ]
  }
  if (free >= wanted) return []
  return [
    {
      level: 'warning',
      area: 'disk',
      says: `${describeSize(free)} are free for ${dir}, less than SPOOL_MAX_BYTES (${describeSize(wanted)})`,
      todo: 'Give it a larger disk, or lower SPOOL_MAX_BYTES so that the limit says what can be kept.'
    }
  ]
}
