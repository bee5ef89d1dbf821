import { MAX_DEPTH_LEVELS } from '../model/limits.ts'
import { KEYS } from './known-keys.ts'
import { WALK_CODE } from './walk-code.ts'

/** What wasm/walk.ts exports. Addresses and lengths are bytes of its memory, or of the input. */
interface WalkExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  room(length: number): number
  addKey(length: number): void
  setBatchKey(key: number): void
  walkObject(length: number, base: number, maxDepth: number): number
  walkEnvelope(length: number, base: number, maxDepth: number, maxElements: number): number
}

/** A memory that has grown larger than this is given back after the walk that needed it. */
const KEPT_BYTES = 16 * 1024 * 1024

const walkModule = new WebAssembly.Module(Buffer.from(WALK_CODE, 'base64'))

let walk = createWalk()
let memory = Buffer.from(walk.memory.buffer)

function createWalk(): WalkExports {
  const created = new WebAssembly.Instance(walkModule).exports as WalkExports
  for (const key of KEYS) {
    const at = created.room(key.length)
    Buffer.from(created.memory.buffer).write(key, at, 'latin1')
    created.addKey(key.length)
  }
  created.setBatchKey(KEYS.indexOf('batch'))
  return created
}

/**
 * The result of a walk over bytes [start, end): numbers as wasm/walk.ts writes them, positions counted from the first of
 * `bytes`. They are overwritten by the next walk.
 */
export function walkObject(bytes: Buffer, start: number, end: number): Int32Array {
  const length = putInput(bytes, start, end)
  return resultAt(walk.walkObject(length, start, MAX_DEPTH_LEVELS))
}

/** @param limit the most elements that a `batch` may have; the walk ends at the next one */
export function walkEnvelope(bytes: Buffer, start: number, limit: number): Int32Array {
  const length = putInput(bytes, start, bytes.length)
  return resultAt(walk.walkEnvelope(length, start, MAX_DEPTH_LEVELS, limit))
}

function putInput(bytes: Buffer, start: number, end: number): number {
  if (memory.length > KEPT_BYTES) walk = createWalk()
  const at = walk.room(end - start)
  if (memory.buffer !== walk.memory.buffer) memory = Buffer.from(walk.memory.buffer)
  return bytes.copy(memory, at, start, end)
}

function resultAt(address: number): Int32Array {
  // The walk may have made its memory grow, which detaches every view of it.
  return new Int32Array(walk.memory.buffer, address)
}
