/** The thread behind honest.ts: sends one event after the other, and measures the time of each. */
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

const { url, authorization, pauseMs } = workerData as { url: string; authorization: string; pauseMs: number }
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
let times: number[] = []
let failures: string[] = []

function send(): Promise<number> {
  const body = JSON.stringify({ userId: 'honest', event: 'e' })
  const headers = { authorization, 'content-type': 'application/json', 'content-length': body.length }
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/v1/track`, { method: 'POST', agent, headers }, response => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function run(): Promise<void> {
  for (;;) {
    const started = performance.now()
    const status = await send().catch((error: unknown) => String(error))
    if (status === 200) times.push(performance.now() - started)
    else failures.push(String(status))
    await sleep(pauseMs)
  }
}

parentPort?.on('message', () => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  parentPort?.postMessage({ times, failures })
  times = []
  failures = []
})
void run()
