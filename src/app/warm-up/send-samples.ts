import type { Socket } from 'node:net'
import { connect } from 'node:net'
import type { SampleRequest } from './sample.ts'
import { batchSample, singleSample } from './sample.ts'

const CONNECTIONS = 8

const ACCEPTED = Buffer.from('HTTP/1.1 200 ')

export interface Receiver {
  /** On this machine. */
  readonly port: number
  readonly writeKey: string
}

/** How much is sent at most. */
export interface SampleBounds {
  readonly singles: number
  readonly batches: number
  readonly milliseconds: number
}

/**
 * Sends sample requests, as many as there is time for. Never rejects.
 *
 * @returns the number of requests that were answered 200
 */
export async function sendSamples({ port, writeKey }: Receiver, bounds: SampleBounds): Promise<number> {
  const sockets = Array.from({ length: CONNECTIONS }, () => connect({ port, host: '127.0.0.1', noDelay: true }))
  for (const socket of sockets) socket.on('error', () => undefined)
  const end = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const timer = setTimeout(end, bounds.milliseconds)
  const send = async (make: (writeKey: string) => SampleRequest, count: number): Promise<number> => {
    let left = count
    const accepted = await Promise.all(sockets.map(socket => sendMany(socket, make(writeKey), () => left-- > 0)))
    return accepted.reduce((sum, each) => sum + each, 0)
  }
  try {
    // Batches first: if time is short, they have run the code of most events.
    return (await send(batchSample, bounds.batches)) + (await send(singleSample, bounds.singles))
  } finally {
    clearTimeout(timer)
    end()
  }
}

/** Sends a request after each answer, until `mayGoOn()` is false or the connection is closed. */
function sendMany(socket: Socket, request: SampleRequest, mayGoOn: () => boolean): Promise<number> {
  return new Promise(resolve => {
    let accepted = 0
    const end = (): void => {
      socket.off('data', onAnswer).off('close', end)
      resolve(accepted)
    }
    const next = (): void => {
      if (socket.destroyed || !mayGoOn()) return end()
      request.renew()
      socket.write(request.bytes)
    }
    // An answer is small enough to arrive at once.
    const onAnswer = (answer: Buffer): void => {
      if (answer.subarray(0, ACCEPTED.length).equals(ACCEPTED)) accepted++
      next()
    }
    socket.on('data', onAnswer).once('close', end)
    next()
  })
}
