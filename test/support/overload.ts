import type { TestApp } from './app.ts'

/**
 * Blocks the event loop until the server, which runs in this process, sheds load, while `ask` sends its requests.
 * Repeats until another request was refused for the load.
 * `ask` must not send again by itself: it is a plain fetch, and not `post()` or `ask()`. Resolves with all answers.
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
