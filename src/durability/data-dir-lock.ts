import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Another live server has the folder. */
class DataDirInUse extends Error {
  override readonly name = 'DataDirInUse'
  readonly code = 'DATA_DIR_IN_USE'
}

export interface DataDirLock {
  /** Lets another server in. Safe to call twice. */
  release(): Promise<void>
}

const FOLDER = 'lock'
const SOCKET = 'socket'
/** Others only ever take the lock from under a starter that died: more rounds than this mean something else is wrong. */
const MAX_ROUNDS = 100

/**
 * Makes this process the only one on a data folder until it ends, however it ends; makes the folder where it is missing.
 * Rejects with DataDirInUse when another one lives, or with an error that says what the
 * file system did not allow.
 *
 * A lock is a Unix socket that somebody listens on, which the kernel knows and no crash leaves behind; it is seen from
 * other containers that share the folder. Locks are numbered, `lock/7/socket`: who finds that nobody listens on the
 * highest takes the next number, and a number can be taken once, because a folder with a listening socket in it is
 * renamed to it, which fails where one is. A number is removed by the owner of a higher one only, so the highest
 * never falls; who sees one above its own, after taking it, was too late.
 */
export async function lockDataDir(dir: string): Promise<DataDirLock> {
  try {
    return await lock(dir)
  } catch (error) {
    if (error instanceof DataDirInUse) throw error
    const words = error instanceof Error ? error.message : String(error)
    throw new Error(`data folder ${dir} cannot be locked: ${words}`, { cause: error })
  }
}

async function lock(dir: string): Promise<DataDirLock> {
  const folder = join(resolve(dir), FOLDER)
  await mkdir(folder, { recursive: true, mode: 0o750 })
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const highest = Math.max(0, ...(await numbers(folder)))
    if (highest > 0 && (await isListening(join(folder, String(highest))))) {
      throw new DataDirInUse(`data folder ${dir} is in use by another server: stop that one, or set another DATA_DIR`)
    }
    const server = await take(folder, highest + 1)
    if (server !== undefined) return { release: () => stop(server) }
  }
  throw new DataDirInUse(`data folder ${dir} cannot be locked: others keep taking it`)
}

/** Takes a number; undefined when somebody else was quicker. */
async function take(folder: string, number: number): Promise<Server | undefined> {
  const server = createServer(socket => socket.destroy())
  try {
    const isMine = (await place(server, folder, number)) && Math.max(...(await numbers(folder))) === number
    if (isMine) {
      await removeOthers(folder, number)
      return server
    }
  } catch (error) {
    await stop(server)
    throw error
  }
  await stop(server) // where it took a number that is too low by now, the owner of the highest removes it
  return undefined
}

/** Listens in a folder of its own and gives that the number; false when the number is taken. */
async function place(server: Server, folder: string, number: number): Promise<boolean> {
  const mine = join(folder, `new-${randomBytes(8).toString('hex')}`)
  try {
    await mkdir(mine)
    await withShortPath(mine, path => listen(server, join(path, SOCKET)))
    await rename(mine, join(folder, String(number)))
    return true
  } catch (error) {
    // A quicker one clears away what it takes for leftovers; a socket's missing folder then shows as EACCES.
    const isCleared = !existsSync(mine)
    await rm(mine, { recursive: true, force: true })
    if (isCleared || codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') return false
    throw error
  }
}

async function numbers(folder: string): Promise<number[]> {
  return (await readdir(folder)).filter(name => /^[1-9]\d{0,14}$/.test(name)).map(Number)
}

/** Old numbers, and what starters left behind that died. One that lives makes itself another. */
async function removeOthers(folder: string, number: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name === String(number)) continue
    await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined)
  }
}

/** A live owner is heard even when it is stopped or busy: the kernel answers. Any doubt counts as a live owner. */
async function isListening(path: string): Promise<boolean> {
  return await withShortPath(path, short => {
    const { promise, resolve: tell } = Promise.withResolvers<boolean>()
    const socket = connect({ path: join(short, SOCKET) })
    socket.once('connect', () => tell(true))
    socket.on('error', error => tell(!DEAD.has(codeOf(error) ?? '')))
    return promise.finally(() => socket.destroy())
  })
}

/** Nobody listens; or the socket is not there, because a newer owner took it away or a backup left it out. */
const DEAD: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTDIR', 'ENOTSOCK'])

async function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve: done, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ path, readableAll: true, writableAll: true }, done)
  await promise
  server.on('error', () => undefined) // a failed accept (no descriptors left) does not end the lock
  server.unref()
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return
  const { promise, resolve: done } = Promise.withResolvers<void>()
  server.close(() => done())
  await promise
}

/** What a socket's address can hold, less the socket's own name: 108 bytes on Linux, 104 on macOS. */
const MAX_PATH_BYTES = 104 - 1 - SOCKET.length - 1

/** Calls back with a path to the folder that is short enough for a socket in it. */
async function withShortPath<T>(dir: string, use: (path: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(dir) <= MAX_PATH_BYTES) return await use(dir)
  const near = await mkdtemp(join(tmpdir(), 'tributary-'))
  try {
    const link = join(near, 'd')
    await symlink(dir, link)
    return await use(link)
  } finally {
    await rm(near, { recursive: true, force: true })
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}
