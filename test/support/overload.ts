import type { TestApp } from './app.ts'

/**
 * Keeps the event loop so long that the server, which runs in this process, sheds load while it answers; `ask` sends
 * what is to be answered then. It is asked until another call was told to come again; resolves with all that it got.
 */
export async function whileOverloaded<T>(app: TestApp, ask: () => Promise<T>): Promise<readonly T[]> {
  const answers: T[] = []
  for (let round = 0; round < 10; round++) {
    const asked = [fetch(`${app.url}/v1/page`, { method: 'POST' }), ask()] as const
    keepBusy()
    await new Promise(setImmediate)
    keepBusy()
    const [page, answer] = await Promise.all(asked)
    answers.push(answer)
    if (page.status === 503) return answers
  }
  throw new Error('the server was never overloaded')
}

function keepBusy(): void {
  for (const until = Date.now() + 1_500; Date.now() < until;);
}
