/** The live stream shows the last events before a stop. */
import { get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { once } from 'node:events'
import t from 'tap'
import { post, startApp } from '../../support/app.ts'

/** More than one message of the stream holds, and far more than a server checks in its first milliseconds. */
const EVENTS = 250

t.test('the live stream shows every event that was accepted just before the server stopped', async t => {
  const { app, url, adminUrl } = await startApp(t)
  const [stream] = (await once(get(`${adminUrl}/api/stream`), 'response')) as [IncomingMessage]
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  await once(stream, 'data')
  const batch = Array.from({ length: EVENTS }, (_, at) => ({
    type: 'track',
    userId: 'u',
    event: 'Last',
    messageId: `last-${at}`
  }))
  const answer = await post(`${url}/v1/batch`, { batch })
  t.equal(answer.status, 200)
  const ended = once(stream, 'end')
  await app.close()
  await ended
  const shown = new Set([...text.matchAll(/"last-\d+"/g)].map(([id]) => id))
  t.equal(shown.size, EVENTS)
})
