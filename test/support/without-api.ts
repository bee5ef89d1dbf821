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
    /** Correlation ids of requests for the list. */
    const asked = new Set<number>()
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
      if (frame.readInt16BE(LENGTH_BYTES) === API_VERSIONS) asked.add(frame.readInt32BE(LENGTH_BYTES + 4))
      far.write(frame)
    })
    onFrames(far, frame => {
      near.write(asked.delete(frame.readInt32BE(LENGTH_BYTES)) ? hide(frame, options.api) : frame)
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

/** Version 3: correlation id, error, compact array of key, lowest and highest version, and no tags. */
function hide(frame: Buffer, api: number): Buffer {
  const [HEAD_BYTES, ENTRY_BYTES] = [LENGTH_BYTES + 4 + 2 + 1, 7]
  for (let at = HEAD_BYTES; at + ENTRY_BYTES <= frame.length; at += ENTRY_BYTES) {
    if (frame.readInt16BE(at) !== api) continue
    frame.writeInt16BE(NO_API, at)
    return frame
  }
  throw new Error(`the broker's list does not name API ${api}`)
}
