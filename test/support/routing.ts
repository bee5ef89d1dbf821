import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestApp } from './app.ts'
import { until } from './until.ts'

/** A source and destinations, one for each rule that can keep an event of `web` out. */
export const RULES_CONFIG = `
sources:
  - { id: web, writeKeys: [wk_test] }
  - { id: ios, writeKeys: [wk_ios] }
destinations:
  - { name: Open, topic: open }
  - { name: Off, topic: off, enabled: false }
  - { name: Phones, topic: phones, sources: [ios] }
  - { name: Pages, topic: 'pages.{type}', types: [page, screen] }
  - { name: Allowed, topic: allowed, events: { allow: [Signed Up] } }
  - { name: Denied, topic: denied, events: { deny: [Noise] } }
  - { name: Sampled, topic: sampled, sample: { rate: 0.1 } }
  - { name: Consent, topic: consent, consent: { categories: [C0002, C0003] } }
  - { name: Named, topic: named }
  - { name: Twin, topic: open, types: [page] }
`

/** An event that most of these destinations do not get. */
export const NOISE = {
  userId: 'user-1',
  event: 'Noise',
  messageId: 'noise-1',
  context: { consent: { categoryPreferences: { C0002: true, C0003: false } } },
  integrations: { Named: false }
}

/** An address that no broker listens at: the sink of the tests is in memory. */
export const WITH_KAFKA = { KAFKA_BROKERS: '127.0.0.1:9' }

export interface ShownRouting {
  readonly by: string
  readonly changed: boolean | null
  readonly says: string
  readonly destinations: readonly {
    readonly destination: string
    readonly sent: boolean
    readonly topic: string | null
    readonly rule: string | null
    readonly says: string
  }[]
}

/** Each row as one text: `Off: disabled, the destination is disabled (enabled: false)`. */
export function routingLines({ destinations }: ShownRouting): string[] {
  return destinations.map(({ destination, sent, rule, says }) => `${destination}: ${sent ? 'sent' : rule}, ${says}`)
}

export async function traceOf({ adminUrl }: Pick<TestApp, 'adminUrl'>, id: string) {
  return (await (await fetch(`${adminUrl}/api/trace/${id}`)).json()) as {
    readonly events: readonly { readonly seq: number; readonly routing: ShownRouting }[]
    readonly records: readonly { readonly routing?: ShownRouting }[]
  }
}

/** Changes tributary.yml, and waits until the destinations of the trace of `id` say so. */
export async function changeConfig(server: TestApp, config: string, id: string): Promise<void> {
  writeFileSync(join(server.dir, 'tributary.yml'), config)
  await until(async () => (await traceOf(server, id)).events[0]?.routing.changed === true, {
    what: 'the new destinations'
  })
}
