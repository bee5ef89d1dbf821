import { answerFaults } from './contract-answers.ts'
import { exchange, HALF_CLOSE } from './exchange.ts'
import { createRandom, mutate, wireBytes } from './mutations.ts'
import type { Sample } from './samples.ts'
import { readSamples } from './samples.ts'

export interface FuzzOptions {
  readonly url: string
  readonly seed: number
  /** It stops at the first of these limits. */
  readonly maxCases: number
  readonly seconds: number
  readonly atOnce?: number
}

export interface Finding {
  readonly what: string
  /** The request in base64, to repeat it. */
  readonly request: string
}

export interface FuzzResult {
  readonly cases: number
  readonly statuses: Readonly<Record<string, number>>
  readonly findings: readonly Finding[]
}

/** How long a conversation may take after the client's last byte. */
const HANG_MS = 20_000
const ERROR_STATUSES = new Set([400, 401, 403, 404, 405, 408, 414, 415, 429, 431, 503])

/**
 * Sends recorded SDK requests with randomly changed bytes, and collects every answer that a server must not give: a 5xx
 * other than 503, an error that is not in the contract's form, or no answer while the connection stays open.
 */
export async function fuzzByMutation(options: FuzzOptions): Promise<FuzzResult> {
  const { url, seed, maxCases, seconds, atOnce = 8 } = options
  const random = createRandom(seed)
  const samples = [...readSamples().values()].flat()
  const pick = (): Sample => samples[Math.floor(random() * samples.length)] as Sample
  /** Two of three requests keep their head, so that more than the HTTP parser is tested. */
  const make = (): Buffer => {
    const [sample, other] = [pick(), wireBytes(pick())]
    return random() < 1 / 3
      ? mutate(wireBytes(sample), other, random)
      : wireBytes(sample, body => mutate(body, other, random))
  }
  const deadline = performance.now() + seconds * 1_000
  const findings: Finding[] = []
  const statuses: Record<string, number> = {}
  let cases = 0

  async function worker(): Promise<void> {
    while (cases < maxCases && performance.now() < deadline) {
      cases++
      const request = make()
      for (const what of await problems(request)) findings.push({ what, request: request.toString('base64') })
    }
  }

  async function problems(request: Buffer): Promise<string[]> {
    const isHead = request.subarray(0, 5).toString('latin1') === 'HEAD '
    const { answers, end } = await exchange({
      url,
      steps: [request, HALF_CLOSE],
      answers: 0,
      isHead,
      timeoutMs: HANG_MS
    })
    for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1
    if (answers.length === 0) statuses[end] = (statuses[end] ?? 0) + 1
    const hangs = end === 'open' ? [`hangs for ${HANG_MS} ms`] : []
    return [
      ...hangs,
      ...answers.flatMap(answer => (ERROR_STATUSES.has(answer.status) ? errorFaults(answer) : goodFaults(answer)))
    ]
  }

  await Promise.all(Array.from({ length: atOnce }, worker))
  return { cases, statuses, findings }
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** The operation of mutated bytes is unknown, so an error is compared with what the contract says about any path. */
function errorFaults({ status, headers, body }: Answer): string[] {
  if (status === 401 || status === 403 || status === 415) {
    return answerFaults({ method: 'POST', path: '/v1/batch', status, headers, body })
  }
  return answerFaults({ method: 'POST', path: '/nowhere', status, headers, body: body.length === 0 ? '{}' : body })
}

function goodFaults({ status, body }: Answer): string[] {
  return [200, 204, 304].includes(status) ? [] : [`answers ${status} ${body.toString('latin1', 0, 200)}`]
}
