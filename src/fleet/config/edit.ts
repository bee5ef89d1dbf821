import { randomUUID } from 'node:crypto'
import { KEPT_VERSIONS } from './config-log.ts'
import type { ConfigTopic } from './config-topic.ts'
import type { ConfigVersion } from './version.ts'
import { claimKey, configKey, hashOfText } from './version.ts'

export interface ConfigEdit {
  /** Makes the new text, with digests for keys, from the version in force. If it throws, nothing changes. */
  readonly make: (current: ConfigVersion | undefined) => string
  readonly by: string
  readonly why: string
}

/** A winner that could not write its version in this time gives it up. */
const WRITE_WITHIN_MS = 5_000
/** After this time a claim without a version is dead; longer than WRITE_WITHIN_MS. */
const DEAD_CLAIM_MS = 10_000
const MAX_TRIES = 50

/**
 * Writes the next version, based on the versions that others write at the same time. Resolves with the version that
 * contains the edit; for an edit that changes nothing, with the version in force. Rejects if Kafka does not confirm it.
 */
export async function editConfig(topic: ConfigTopic, edit: ConfigEdit): Promise<ConfigVersion> {
  await topic.read()
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const base = topic.log.current
    const text = edit.make(base)
    if (base !== undefined && text === base.text) return base
    const version = await nextFree(topic, base)
    if (version === undefined) continue
    const written = await claimAndWrite(topic, { ...edit, text, base: base?.version ?? 0, version })
    if (written !== undefined) return written
  }
  throw new Error('others edit the configuration all the time; try again')
}

/**
 * The first version after `base` without a live claim; undefined if another version came into force in the meantime.
 */
async function nextFree({ log, until }: ConfigTopic, base: ConfigVersion | undefined): Promise<number | undefined> {
  for (let version = (base?.version ?? 0) + 1; ; version++) {
    const holder = log.holderOf(version)
    if (holder === undefined) return version
    const leftMs = holder.since + DEAD_CLAIM_MS - performance.now()
    if (await until(() => log.current !== base, Math.max(0, leftMs))) return undefined
  }
}

interface PlannedVersion extends ConfigEdit {
  readonly version: number
  readonly base: number
  readonly text: string
}

/** Claims and writes a version; undefined if another claim was first, or if the write would be too late. */
async function claimAndWrite(topic: ConfigTopic, planned: PlannedVersion): Promise<ConfigVersion | undefined> {
  const { version, base, text, by, why } = planned
  const id = randomUUID()
  const start = performance.now()
  await topic.write([{ key: claimKey(version), value: Buffer.from(JSON.stringify({ id, by })) }])
  const isMine = topic.log.holderOf(version)?.id === id
  const isLate = (): boolean => performance.now() - start > WRITE_WITHIN_MS
  if (!isMine || isLate() || (topic.log.current?.version ?? 0) !== base) return undefined
  const made: ConfigVersion = { version, base, hash: hashOfText(text), text, by, why, at: new Date().toISOString() }
  await topic.write([{ key: configKey(version), value: Buffer.from(JSON.stringify(made)) }, ...tombstones(version)])
  return made
}

/** Tombstones of versions that are no longer kept: several, because a failed write may have left some. */
function tombstones(version: number): { readonly key: string; readonly value: null }[] {
  const old = [0, 1, 2].map(more => version - KEPT_VERSIONS - more).filter(one => one > 0)
  return old.flatMap(one => [
    { key: configKey(one), value: null },
    { key: claimKey(one), value: null }
  ])
}
