import { MAX_DEPTH_LEVELS } from '../../model/limits.ts'
import { KEY, KEYS, WALK_HINTS } from './known-keys.ts'
import { WALK_CODE } from './walk-code.ts'

/** The exports of wasm/walk.ts. Addresses and lengths are in bytes. */
interface WalkExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  room(length: number): number
  addKey(length: number, hints: number): void
  setBatchKey(key: number): void
  walkObject(length: number, base: number, maxDepth: number, isEvent: boolean): number
  walkEnvelope(length: number, base: number, maxDepth: number, maxElements: number): number
}

/**
 * The layout of a result's head, in 32-bit numbers. In `ids` the walk writes the number of ids that it has assigned; this
 * module replaces that number with the generation of the ids.
 */
export const HEAD = { status: 0, failedAt: 1, repeatedKey: 2, elements: 3, whole: 4, length: 5, ids: 6 } as const
export const HEAD_INTS = 7

/** The result of a walk: the head begins at index `head` of `ints`. Other results may be before and after it. */
export interface WalkResult {
  readonly ints: Int32Array
  readonly head: number
}

/**
 * Small results share a block: V8 allocates each typed array outside its heap, which takes as long as the walk over an
 * event. A block is freed with the last of its results.
 */
const BLOCK_INTS = 16 * 1024
/** Larger results have an array of their own. */
const SHARED_INTS = BLOCK_INTS / 8

/** The WebAssembly instance is replaced if its memory has grown larger than this. */
const KEPT_BYTES = 16 * 1024 * 1024
/** The WebAssembly instance is replaced after this many ids, before they overflow. */
const MAX_IDS = 2 ** 30

const walkModule = new WebAssembly.Module(Buffer.from(WALK_CODE, 'base64'))

/** Incremented with each new instance, whose ids begin again at 1: ids of different generations cannot be compared. */
let generation = 0
let lastId = 0
let walk = createWalk()
let memory = Buffer.from(walk.memory.buffer)
let numbers = new Int32Array(walk.memory.buffer)
let block = new Int32Array(BLOCK_INTS)
let taken = 0

function createWalk(): WalkExports {
  const created = new WebAssembly.Instance(walkModule).exports as WalkExports
  for (const [number, key] of KEYS.entries()) {
    const at = created.room(key.length)
    Buffer.from(created.memory.buffer).write(key, at, 'latin1')
    created.addKey(key.length, WALK_HINTS[number] ?? 0)
  }
  created.setBatchKey(KEY.batch)
  generation++
  lastId = 0
  return created
}

/**
 * Walks the object in bytes [start, end). Positions in the result count from the first byte of `bytes`. The result must not
 * be changed.
 *
 * @param range.isEvent the object is an event, whose values get ids and shapes
 */
export function walkObject(bytes: Buffer, range: { start: number; end: number; isEvent: boolean }): WalkResult {
  const { start, end, isEvent } = range
  const length = putInput(bytes, start, end)
  return resultAt(walk.walkObject(length, start, MAX_DEPTH_LEVELS, isEvent))
}

/** Walks the body of a batch from `start`. @param limit the most elements of `batch`; the walk ends at the next element */
export function walkEnvelope(bytes: Buffer, start: number, limit: number): WalkResult {
  const length = putInput(bytes, start, bytes.length)
  return resultAt(walk.walkEnvelope(length, start, MAX_DEPTH_LEVELS, limit))
}

function putInput(bytes: Buffer, start: number, end: number): number {
  if (memory.length > KEPT_BYTES || lastId > MAX_IDS) walk = createWalk()
  const at = walk.room(end - start)
  if (memory.buffer !== walk.memory.buffer) memory = Buffer.from(walk.memory.buffer)
  return bytes.copy(memory, at, start, end)
}

function resultAt(address: number): WalkResult {
  // The memory may have grown during the walk, which detaches every view of it.
  if (numbers.buffer !== walk.memory.buffer) numbers = new Int32Array(walk.memory.buffer)
  const head = address / Int32Array.BYTES_PER_ELEMENT
  lastId = numbers[head + HEAD.ids] as number
  const result = keep(head, numbers[head + HEAD.length] as number)
  result.ints[result.head + HEAD.ids] = generation
  return result
}

/** Copies `length` numbers, because the next walk overwrites them. */
function keep(from: number, length: number): WalkResult {
  if (length > SHARED_INTS) return { ints: numbers.slice(from, from + length), head: 0 }
  if (taken + length > BLOCK_INTS) {
    block = new Int32Array(BLOCK_INTS)
    taken = 0
  }
  const head = taken
  for (let i = 0; i < length; i++) block[head + i] = numbers[from + i] as number
  taken += length
  return { ints: block, head }
}
