import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

const API_VERSIONS = 18
/** No API of Kafka has this number. */
const NO_API = 9_999
const LENGTH_BYTES = 4

/**
 * A relay to a broker of this machine that hides one API: in the broker's list of APIs, another number takes its place.
 * Ends with the test.
 *
 * @param api the API's key, e.g. 32 for DescribeConfigs
 */
export async function startWithoutApi(t: Test, options: { port: number; to: () => number; api: number }) {
  const sockets = new Set<Socket>()
  const server = createServer(near => {
    const far = connect(options.to(), '127.0.0.1')
    /** The version of each request for the list, by its correlation id. */
    const asked = new Map<number, number>()
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    onFrames(near, frame => {
      const [key, version, id] = [frame.readInt16BE(4), frame.readInt16BE(6), frame.readInt32BE(8)]
      if (key === API_VERSIONS) asked.set(id, version)
      far.write(frame)
    })
    onFrames(far, frame => {
      const id = frame.readInt32BE(LENGTH_BYTES)
      const version = asked.get(id)
      asked.delete(id)
      near.write(version === undefined ? frame : hide(frame, { api: options.api, isCompact: version >= 3 }))
    })
  })
  server.listen(options.port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
}

/** Calls back for each message; the length precedes it. */
function onFrames(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes])
    while (rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + rest.readInt32BE(0)
      if (rest.length < end) return
      onFrame(Buffer.from(rest.subarray(0, end)))
      rest = rest.subarray(end)
    }
  })
}

/**
 * After the correlation id and the error come the entries: the key, the lowest and the highest version of each API. In a
 * compact list, their number has one byte instead of four, and each entry ends with a byte of tags.
 */
function hide(frame: Buffer, { api, isCompact }: { api: number; isCompact: boolean }): Buffer {
  const [headBytes, entryBytes] = [LENGTH_BYTES + 4 + 2 + (isCompact ? 1 : 4), isCompact ? 7 : 6]
  for (let at = headBytes; at + entryBytes <= frame.length; at += entryBytes) {
    if (frame.readInt16BE(at) !== api) continue
    frame.writeInt16BE(NO_API, at)
    return frame
  }
  throw new Error(`the broker's list does not name API ${api}`)
}
