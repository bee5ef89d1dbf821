import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Verdict } from './verdict.ts'

export const isLong = process.env['FAULTS'] === 'long'

/** `npm test` runs the short form of a fault, `npm run test:faults` the long one. */
export function choose<T>(short: T, long: T): T {
  return isLong ? long : short
}

const LIBRARY_FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/local/lib']

/** Variables that give a process its own clock: the file has the offset in seconds, e.g. `-3600`. */
export function fakeClock(file: string): Record<string, string> {
  const candidates = LIBRARY_FOLDERS.map(folder => join(folder, 'faketime', 'libfaketimeMT.so.1'))
  const library = candidates.find(candidate => existsSync(candidate))
  if (library === undefined) throw new Error('libfaketime not found: apt-get install faketime')
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    // As in a real jump, the system's monotonic clock does not change.
    FAKETIME_DONT_FAKE_MONOTONIC: '1'
  }
}

/** Mounts a disk of this many MiB in memory; needs root. */
export function mountDisk(t: Test, mebibytes: number): string {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', dir])
  t.teardown(() => {
    execFileSync('umount', ['-l', dir])
    rmdirSync(dir)
  })
  return dir
}

/** Fails `t` if an acknowledged event is missing, or if one user's events have changed their order. */
export function assertNothingLost(t: Test, { acked, missing, outOfOrder }: Verdict): void {
  t.ok(acked > 0, `${acked} events were acknowledged`)
  t.strictSame([missing.length, missing.slice(0, 10)], [0, []], 'no acknowledged event is missing')
  t.strictSame([outOfOrder.length, outOfOrder.slice(0, 10)], [0, []], 'the events of each user are in order')
}

/** Fills a disk except for this many bytes, until the returned function is called. */
export function fillDisk(dir: string, bytesLeft: number): () => void {
  const filler = join(dir, 'filler')
  const { bavail, bsize } = statfsSync(dir)
  writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - bytesLeft)))
  return () => rmSync(filler)
}

/** Prints a row of the table in docs/reliability.md. */
export function tellRow(
  t: Test,
  fault: string,
  { verdict, ...more }: { verdict: Verdict } & Record<string, unknown>
): void {
  const { acked, missing, duplicates, unasked, outOfOrder } = verdict
  const row = { fault, acked, missing: missing.length, duplicates, unasked, outOfOrder: outOfOrder.length, ...more }
  t.comment(
    `measured ${JSON.stringify(row, (_, value: unknown) => (typeof value === 'number' ? Math.round(value) : value))}`
  )
}
