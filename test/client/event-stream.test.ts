import t from 'tap'
import { readEventStream } from '../../src/client/event-stream.ts'

/** Reads the stream in pieces of some bytes, as a connection brings it. */
async function read(text: string, pieceBytes: number): Promise<unknown[]> {
  const bytes = Buffer.from(text)
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
  }
  const messages: unknown[] = []
  for await (const message of readEventStream(pieces())) messages.push(message)
  return messages
}

t.test('each message is read whole, whatever characters its events have and wherever the pieces end', async t => {
  // Of these, JSON escapes only the first two; JavaScript's regular expressions take all of them for ends of lines.
  const messages = ['\n', '\r', '\u2028', '\u2029', 'a\u2028b\u2029c', 'é 😀'].map(event => ({ rows: [{ event }] }))
  const text = messages.map((message, id) => `: heartbeat\n\nid: ${id}\ndata: ${JSON.stringify(message)}\n\n`).join('')
  for (const pieceBytes of [1, 2, 3, 7, 1_000])
    t.strictSame(await read(text, pieceBytes), messages, `all messages are read from pieces of ${pieceBytes} bytes`)
})

t.test('a message without data is skipped, and one of too many characters is refused', async t => {
  t.strictSame(await read('retry: 1000\n\n', 100), [])
  const endless = (async function* () {
    while (true) yield Buffer.from('data: xxxxxxxxxx')
  })()
  await t.rejects(readEventStream(endless, 1_000).next(), { message: 'its events are too large' })
})

t.end()
