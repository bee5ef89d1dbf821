import { MAX_DEPTH_LEVELS } from '../../model/limits.ts'
import { KEY, KEYS, WALK_HINTS } from './known-keys.ts'
import { WALK_CODE } from './walk-code.ts'

/** What wasm/walk.ts exports. Addresses and lengths are bytes of its memory, or of the input. */
interface WalkExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  room(length: number): number
  addKey(length: number, told: number): void
  setBatchKey(key: number): void
  walkObject(length: number, base: number, maxDepth: number, isEvent: boolean): number
  walkEnvelope(length: number, base: number, maxDepth: number, maxElements: number): number
}

/**
 * The head of a result, in numbers of 32 bits. The walk writes the last one as how many ids it has given so far; whoever
 * gets the result finds there of which generation its ids are.
 */
export const HEAD = { status: 0, failedAt: 1, repeatedKey: 2, elements: 3, whole: 4, length: 5, ids: 6 } as const
export const HEAD_INTS = 7

/** What a walk has found: numbers of 32 bits, the head's from `head` on. Others may stand before and behind. */
export interface WalkResult {
  readonly ints: Int32Array
  readonly head: number
}

/**
 * Small results share a block: V8 has to ask for memory outside its heap for each array of numbers, which takes as long as
 * the walk over an event. A block is let go with the last of its results.
 */
const BLOCK_INTS = 16 * 1024
/** Larger ones have an array of their own. */
const SHARED_INTS = BLOCK_INTS / 8

/** A memory that has grown larger than this is given back after the walk that needed it... */
const KEPT_BYTES = 16 * 1024 * 1024
/** ...and a walk that has given so many ids is replaced before these come to an end. */
const MAX_IDS = 2 ** 30

const walkModule = new WebAssembly.Module(Buffer.from(WALK_CODE, 'base64'))

/** Rises when ids begin anew: an id of another generation says nothing. */
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
 * The result of a walk over bytes [start, end): numbers as wasm/walk.ts writes them, positions counted from the first of
 * `bytes`. Nobody changes them afterwards.
 *
 * @param range.isEvent its values get ids and shapes
 */
export function walkObject(bytes: Buffer, range: { start: number; end: number; isEvent: boolean }): WalkResult {
  const { start, end, isEvent } = range
  const length = putInput(bytes, start, end)
  return resultAt(walk.walkObject(length, start, MAX_DEPTH_LEVELS, isEvent))
}

/** @param limit the most elements that a `batch` may have; the walk ends at the next one */
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
  // The walk may have made its memory grow, which detaches every view of it.
  if (numbers.buffer !== walk.memory.buffer) numbers = new Int32Array(walk.memory.buffer)
  const head = address / Int32Array.BYTES_PER_ELEMENT
  lastId = numbers[head + HEAD.ids] as number
  const result = keep(head, numbers[head + HEAD.length] as number)
  result.ints[result.head + HEAD.ids] = generation
  return result
}

/** A copy of so many numbers: the next walk will write where they lie. */
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
