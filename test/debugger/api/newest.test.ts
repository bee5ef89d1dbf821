import t from 'tap'
import { post, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'

interface Listed {
  readonly events: readonly { readonly name: string }[]
  readonly newest: number
}

async function list({ adminUrl }: TestApp, query: string): Promise<Listed> {
  const response = await fetch(`${adminUrl}/api/events?event=Late*&${query}`)
  return (await response.json()) as Listed
}

const namesOf = ({ events }: Listed): readonly string[] => events.map(({ name }) => name)

/** Enough events that a search through them takes several turns of background work. */
async function fill({ url }: TestApp): Promise<void> {
  const batch = Array.from({ length: 2_500 }, () => ({ type: 'track', userId: 'u', event: 'Early' }))
  for (let sent = 0; sent < 25_000; sent += batch.length) await post(`${url}/v1/batch`, { batch })
}

for (const order of ['asc', 'desc']) {
  t.test(
    `A reader that continues after newest misses no event that arrived while a list was made: ${order}`,
    async t => {
      const server = await startApp(t)
      await fill(server)
      const { newest } = await list(server, 'limit=1')
      const sent: string[] = []
      const first = { isMade: false }
      const listing = list(server, `limit=1000&order=${order}&after=${newest}`).finally(() => (first.isMade = true))
      const full = list(server, `limit=1000&order=${order}`).finally(() => (first.isMade = true))
      while (!first.isMade) {
        sent.push(`Late ${sent.length}`)
        await post(`${server.url}/v1/track`, { userId: 'u', event: sent.at(-1) })
      }
      for (const made of await Promise.all([listing, full])) {
        const later = await list(server, `limit=1000&order=asc&after=${made.newest}`)
        const told = [...namesOf(made), ...namesOf(later)]
        t.strictSame(told.toSorted(), sent.toSorted(), 'each event is listed once')
      }
    }
  )
}

t.test('A reader that waits again after newest gets each event once', async t => {
  const server = await startApp(t)
  let { newest } = await list(server, 'limit=1')
  const sent = Array.from({ length: 40 }, (_, index) => `Late ${index}`)
  const sending = (async () => {
    for (const event of sent) await post(`${server.url}/v1/track`, { userId: 'u', event })
  })()
  const told: string[] = []
  while (told.length < sent.length) {
    const found = await list(server, `limit=1000&order=asc&wait=20s&after=${newest}`)
    told.push(...namesOf(found))
    newest = found.newest
  }
  await sending
  t.strictSame(told, sent)
})
