import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Another running server uses the folder. */
class DataDirInUse extends Error {
  override readonly name = 'DataDirInUse'
  readonly code = 'DATA_DIR_IN_USE'
}

export interface DataDirLock {
  /** Releases the lock, so that another server can take it. Safe to call twice. */
  release(): Promise<void>
}

const FOLDER = 'lock'
const SOCKET = 'socket'
/** The most attempts. Another server can only be faster a few times; more failures than this have another cause. */
const MAX_ROUNDS = 100

/**
 * Locks a data folder for this process until the process ends, in whatever way it ends. Creates the folder if it is
 * missing. Rejects with DataDirInUse if another running server has the lock, or with a readable error if the file
 * system does not allow it.
 *
 * A lock is a Unix socket on which a process listens. The kernel knows whether it does, so a crash leaves no lock
 * behind. Other containers that share the folder see the socket too. Locks are numbered: `lock/7/socket`. A process
 * that finds no listener on the highest number takes the next number. Only one process can take a number, because it
 * renames a folder with a listening socket to that name, and this fails if the name exists. Only the owner of a higher
 * number removes a number, so the highest number never falls. A process that took a number and then sees a higher one
 * has lost.
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
    const owner = highest > 0 ? await ownerOf(join(folder, String(highest))) : undefined
    if (owner !== undefined) {
      throw new DataDirInUse(`data folder ${dir} is in use by ${owner}: stop that one, or set another DATA_DIR`)
    }
    const server = await take(folder, highest + 1)
    if (server !== undefined) return { release: () => server[Symbol.asyncDispose]() }
  }
  throw new DataDirInUse(`data folder ${dir} cannot be locked: others keep taking it`)
}

/** Takes a number. Returns undefined if another process was faster. */
async function take(folder: string, number: number): Promise<Server | undefined> {
  const server = createServer(socket => {
    // Destroyed, because the release of the lock does not wait for the other side.
    socket.on('error', () => undefined).end(`process ${process.pid} on ${hostname()}`, () => socket.destroy())
  })
  try {
    const isMine = (await place(server, folder, number)) && Math.max(...(await numbers(folder))) === number
    if (isMine) {
      await removeOthers(folder, number)
      return server
    }
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
  await server[Symbol.asyncDispose]() // if the number is too low by now, the owner of the highest one removes it
  return undefined
}

/** Listens in a new folder and renames the folder to the number. Returns false if the number is taken. */
async function place(server: Server, folder: string, number: number): Promise<boolean> {
  const mine = join(folder, `new-${randomBytes(8).toString('hex')}`)
  try {
    await mkdir(mine)
    await withShortPath(mine, path => listen(server, join(path, SOCKET)))
    await rename(mine, join(folder, String(number)))
    return true
  } catch (error) {
    // A faster process removes folders that it takes for leftovers. The missing folder of a socket is reported as
    // EACCES.
    const isCleared = !existsSync(mine)
    await rm(mine, { recursive: true, force: true })
    if (isCleared || codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') return false
    throw error
  }
}

async function numbers(folder: string): Promise<number[]> {
  return (await readdir(folder)).filter(name => /^[1-9]\d{0,14}$/.test(name)).map(Number)
}

/**
 * Removes old numbers, and folders of processes that died while they started. A running process creates its folder
 * again.
 */
async function removeOthers(folder: string, number: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name === String(number)) continue
    await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined)
  }
}

/** How long a lock's owner has to say who it is, in milliseconds. It may be stopped or busy. */
const OWNER_ANSWER_MS = 300
const MAX_OWNER_CHARACTERS = 200

/**
 * Who listens, in words; undefined if nobody does. The kernel accepts connections even if the process is stopped or busy. In
 * doubt, another server does.
 */
async function ownerOf(path: string): Promise<string | undefined> {
  return await withShortPath(path, async short => {
    const socket = connect({ path: join(short, SOCKET) })
    let [isDead, name] = [false, '']
    socket.on('error', error => (isDead = DEAD.has(codeOf(error) ?? '')))
    socket.once('connect', () => socket.setTimeout(OWNER_ANSWER_MS, () => socket.destroy()))
    socket.on('data', bytes => (name += bytes.toString()))
    await new Promise(done => socket.once('close', done))
    if (isDead) return undefined
    const shown = /^process \d+ on [\w.-]+$/.exec(name.slice(0, MAX_OWNER_CHARACTERS))?.[0]
    return shown === undefined ? 'another server' : `another server (${shown})`
  })
}

/** Nobody listens, or the socket is missing because a newer owner removed it or a backup left it out. */
const DEAD: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTDIR', 'ENOTSOCK'])

async function listen(server: Server, path: string): Promise<void> {
  server.listen({ path, readableAll: true, writableAll: true })
  await once(server, 'listening')
  server.on('error', () => undefined) // a failed accept (no file descriptors left) does not end the lock
  server.unref()
}

/** The most bytes of a folder's path. The address of a socket has 108 bytes on Linux and 104 on macOS. */
const MAX_PATH_BYTES = 104 - 1 - SOCKET.length - 1

/** Calls `use` with a path to the folder that is short enough for a socket in it. */
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
