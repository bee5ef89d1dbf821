import fc from 'fast-check'
import { isbot } from 'isbot'
import t from 'tap'
import type { Test } from 'tap'
import { createBots } from '../../src/governance/bots/bots.ts'
import { JudgedRequest } from '../../src/ingest/govern/judged-request.ts'
import { createJudge, judgeEvent } from '../../src/ingest/judge/judge.ts'
import type { GoodEvent } from '../../src/ingest/judge/good-event.ts'
import { createValidator } from '../../src/ingest/judge/validate.ts'
import { parseBody } from '../../src/ingest/parse/body.ts'
import { DEFAULT_LIMITS } from '../../src/model/limits.ts'
import { loadContract } from '../../src/contract/document.ts'
import { scanObject } from '../../src/ingest/parse/scan.ts'
import { basic, KEY, postUntilTaken as post, startApp } from '../support/app.ts'
import { readMetrics, sumOf } from '../support/metrics.ts'

const BOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'
const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'
const ENDPOINT = { kind: 'batch' } as const
const AS_FREE = { authorization: basic('wk_free') }

const start = (t: Test, bots: string) =>
  startApp(t, {
    config: `bots: ${bots}\nsources:\n  - { id: web, writeKeys: [${KEY}] }\n  - { id: free, writeKeys: [wk_free], bots: off }\n`
  })

const event = (messageId: string, context?: string): string =>
  `{"type":"track","userId":"u","event":"e","messageId":"${messageId}","properties":{"n":1.10}${context === undefined ? '' : `,"context":${context}`}}`
const batchOf = (events: readonly string[], context = ''): string => `{${context}"batch":[${events.join()}]}`

t.test('Flag: an event of a bot gets context.bot, and its other bytes stay unchanged', async t => {
  const { url, sink, adminUrl } = await start(t, 'flag')
  const shared = `"context":{"userAgent":"${BOT}","a":1.10},`
  const cases: [own: string | undefined, flagged: string | undefined][] = [
    [undefined, `{"bot":true,"userAgent":"${BOT}","a":1.10`],
    ['{}', `{"bot":true,"userAgent":"${BOT}","a":1.10`],
    ['{ "b" : 2.0 }', '{"bot":true, "b" : 2.0'],
    ['{"bot":"mine","b":2}', '{"bot":true,"b":2,'],
    [`{"userAgent":"${CHROME}"}`, undefined],
    ['{"userAgent":null}', undefined],
    ['{"userAgent":5}', undefined],
    [`{"user\\u0041gent":"${CHROME}"}`, undefined],
    [`{"user\\u0041gent":"curl/8.1"}`, '{"bot":true,"user\\u0041gent":"curl/8.1"'],
    [`{"userAgent":"${CHROME}","userAgent":"curl/8.1"}`, '{"bot":true,"userAgent":"']
  ]
  const events = cases.map(([own], index) => event(`m${index}`, own))
  t.equal((await post(`${url}/v1/batch`, batchOf(events, shared))).status, 200)
  for (const [index, [own, flagged]] of cases.entries()) {
    const line = sink.records[index]?.line.toString() ?? ''
    if (flagged === undefined) t.notMatch(line, '"bot":true', own ?? 'an event without a context')
    else t.match(line, `"context":${flagged}`, own ?? 'an event without a context')
    t.match(line, '"properties":{"n":1.10}')
  }
  const count = cases.filter(([, flagged]) => flagged !== undefined).length
  t.equal(sumOf(await readMetrics(adminUrl), 'tributary_governed_events_total', { rule: 'bots' }), count)
  const { events: shown } = (await (await fetch(`${adminUrl}/api/events?detail=true`)).json()) as { events: object[] }
  t.match(JSON.stringify(shown), /bots: context\.userAgent is that of a bot, so context\.bot is true/)
})

t.test('Filter: an event of a bot is not published, its client gets no error, and claims no messageId', async t => {
  const { url, sink, adminUrl } = await start(t, 'filter')
  const ofBot = `{"userAgent":"${BOT}"}`
  const events = [
    event('bot-1', ofBot),
    event('man-1', `{"userAgent":"${CHROME}"}`),
    event('man-2'),
    '{"type":"track"}'
  ]
  const { status, body } = await post(`${url}/v1/batch`, batchOf(events))
  t.equal(status, 200)
  t.match(body, { success: true, accepted: 2, rejected: 1 })
  t.strictSame(
    sink.records.map(({ messageId, kind }) => [messageId, kind]),
    [
      ['man-1', 'event'],
      ['man-2', 'event'],
      ['', 'rejected']
    ]
  )
  t.match(await post(`${url}/v1/track`, event('bot-2', ofBot)), { status: 200, body: { success: true } })
  const samples = await readMetrics(adminUrl)
  t.equal(sumOf(samples, 'tributary_events_total', { source: 'web', outcome: 'filtered' }), 2)
  t.equal(sumOf(samples, 'tributary_governed_events_total', { source: 'web', rule: 'bots' }), 2)
  const trace = await (await fetch(`${adminUrl}/api/events?outcome=filtered&detail=true`)).text()
  t.match(trace, /bot-1[\s\S]*so the event is not published|so the event is not published[\s\S]*bot-1/)
  await post(`${url}/v1/track`, event('bot-1'))
  t.equal(sink.records.at(-1)?.messageId, 'bot-1')
  await post(`${url}/v1/track`, event('bot-3', ofBot), AS_FREE)
  t.equal(sink.records.at(-1)?.messageId, 'bot-3', 'a source can switch the rule off')
})

t.test('The User-Agent of the request decides nothing, and neither does one that privacy rules drop', async t => {
  const { url, sink } = await start(t, 'filter\nprivacy: { drop: [context.userAgent] }')
  const headers = { authorization: basic(), 'user-agent': BOT }
  await post(`${url}/v1/track`, event('m1', `{"userAgent":"${BOT}"}`), headers)
  await post(`${url}/v1/track`, event('m2'), headers)
  t.strictSame(
    sink.records.map(({ messageId }) => messageId),
    ['m1', 'm2']
  )
})

interface Spelled {
  readonly agent: string | undefined
  readonly members: Readonly<Record<string, string>>
  readonly gap: string
}

/** The members of a line as they are spelled. */
function rawMembers(line: string): Map<string, string> {
  const bytes = Buffer.from(line)
  const scan = scanObject(bytes)
  const places = Array.from({ length: scan.size }, (_, at) => at)
  return new Map(places.map(at => [scan.keyAt(at), bytes.toString('utf8', scan.startAt(at), scan.valueEndAt(at))]))
}

t.test('With the rule on, every byte that it does not change is published as it was received', async t => {
  const { url, sink } = await start(t, 'flag')
  const value = fc.constantFrom('1.10', '12345678901234567890', '"\\u0041"', '{ "a" :1}', '[1 ,2]', 'null', '-0', '1e2')
  const agent = fc.constantFrom(undefined, BOT, CHROME, 'curl/8.1', 'Firefox', 'é')
  const context = fc.record({
    agent,
    members: fc.dictionary(fc.constantFrom('a', 'b', 'c'), value),
    gap: fc.constantFrom('', ' ')
  })
  const spelled = ({ agent, members, gap }: Spelled): string => {
    const all = Object.entries(members).map(([key, json]) => `${gap}"${key}"${gap}:${json}`)
    if (agent !== undefined) all.push(`"userAgent":${gap}"${agent}"`)
    return `{${all.join(`${gap},`)}}`
  }
  let flagged = 0
  const events = fc.array(fc.option(context, { nil: undefined }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(events, fc.option(context, { nil: undefined }), async (own, shared) => {
      const from = sink.records.length
      const all = own.map((one, index) => event(`m${from}-${index}`, one === undefined ? undefined : spelled(one)))
      const body = batchOf(all, shared === undefined ? '' : `"context":${spelled(shared)},`)
      for (const headers of [{ authorization: basic() }, AS_FREE]) {
        const { status } = await post(`${url}/v1/batch`, body, headers)
        if (status !== 200) throw new Error(String(status))
      }
      const lines = sink.records.slice(from).map(({ line }) => line.toString())
      for (const [index, one] of own.entries()) {
        const line = lines[index] ?? ''
        const expected = lines[own.length + index]?.replace('"projectId":"free"', '"projectId":"web"') ?? ''
        if (!isbot(one?.agent ?? shared?.agent)) {
          if (line !== expected) throw new Error(`${line}\n${expected}`)
          continue
        }
        flagged++
        const [is, was] = [rawMembers(line), rawMembers(expected)]
        // White space after the brace is lost when contexts are merged, except behind the new member.
        const left = is
          .get('context')
          ?.replace(/"bot":true,?/, '')
          .replace(/^"context":\{ +/, '"context":{')
        if (left !== was.get('context')?.replace(/^"context":\{ +/, '"context":{'))
          throw new Error(`${line}\n${expected}`)
        is.delete('context')
        was.delete('context')
        if (JSON.stringify([...is]) !== JSON.stringify([...was])) throw new Error(`${line}\n${expected}`)
      }
    }),
    { numRuns: 150 }
  )
  t.ok(flagged > 50, `${flagged} events were flagged`)
})

t.test('Results are cached in bounded memory, and only the beginning of a long text is read', async t => {
  const contract = loadContract(new URL('../../openapi.yml', import.meta.url).pathname)
  const judge = createJudge({ validator: createValidator({ contract, mode: 'compatible' }), limits: DEFAULT_LIMITS })
  const asked: string[] = []
  const rules = createBots(userAgent => asked.push(userAgent) < 0).of(
    { id: 'web', name: '', enabled: true, allowedOrigins: undefined, rateLimit: undefined, bots: 'filter' },
    {}
  )
  const see = (...agents: string[]): void => {
    const batch = agents.map(userAgent => ({ type: 'track', userId: 'u', event: 'e', context: { userAgent } }))
    const bytes = Buffer.from(JSON.stringify({ batch }))
    const parsed = parseBody(bytes, { endpoint: 'batch', limits: DEFAULT_LIMITS })
    if (!parsed.ok) throw new Error(parsed.fault.message)
    const { body } = parsed
    const events = body.events.map((_, index) => judgeEvent(judge, ENDPOINT, body, index) as GoodEvent)
    const request = new JudgedRequest(judge, ENDPOINT, body, events)
    for (const step of rules?.steps ?? []) step(request)
  }
  see('a', 'b', 'a')
  see('a', 'b')
  t.strictSame(asked, ['a', 'b'])
  const long = 'x'.repeat(20_000)
  see(long)
  see(long)
  t.strictSame(
    asked.slice(2).map(({ length }) => length),
    [1_000, 1_000]
  )
  for (let from = 0; from < 3_000; from += 500) see(...Array.from({ length: 500 }, (_, n) => `agent ${from + n}`))
  asked.length = 0
  see('agent 2999', 'agent 0', 'agent 2999', 'agent 0')
  t.strictSame(asked, ['agent 0'], 'a recent agent is cached, and an old agent is checked again')
})
