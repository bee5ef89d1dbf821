/**
 * npm run bench:processes: the cost of an event when one server runs alone, and when two run, each on its own core with
 * its own folder and at the same rate. Servers share nothing but the machine, so the costs should be equal.
 */
import { parseArgs } from 'node:util'
import { startKafka } from '../test/support/kafka.ts'
import type { Driven } from './drive.ts'
import { drive } from './drive.ts'
import { startTributary } from './subjects.ts'
import { WORKLOADS } from './workloads.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, rate: { type: 'string', default: '0.25' } }
})
const seconds = Number(values.seconds)
const CORES = [0, 1]

const kafka = await startKafka()
try {
  for (const workload of WORKLOADS.filter(({ id }) => id === 'W1' || id === 'W2')) {
    const servers = []
    for (const core of CORES) {
      servers.push(await startTributary({ name: `server ${core}`, brokers: kafka.brokers, core }))
    }
    const most: Driven[] = []
    for (const [at, server] of servers.entries()) {
      await drive(server, workload, { seconds: 4, core: 1 - at })
      most.push(await drive(server, workload, { seconds: 4, core: 1 - at }))
    }
    // The broker and the load programs need the same two cores, so each server gets a part of the load that it could
    // handle alone.
    const share = Number(values.rate)
    const rate = Math.floor(Math.min(...most.map(({ requests, seconds: took }) => requests / took)) * share)
    const [first] = servers
    if (first === undefined) throw new Error('there is no server')
    const alone = await drive(first, workload, { seconds, rate, core: 1 })
    const both = await Promise.all(
      servers.map((server, at) => drive(server, workload, { seconds, rate, core: 1 - at }))
    )
    process.stdout.write(`\n### ${workload.name}, to Kafka, ${rate} requests/s for each server\n\n`)
    process.stdout.write('| | events/s | CPU us/event | p99 ms | errors |\n|---|---|---|---|---|\n')
    print('one server', [alone])
    print('two servers', both)
    for (const server of servers) await server.stop()
  }
} finally {
  await kafka.stop()
}

function print(name: string, results: readonly Driven[]): void {
  const sum = (pick: (result: Driven) => number): number => results.reduce((total, one) => total + pick(one), 0)
  const perSecond = results.reduce((total, { events, seconds: took }) => total + events / took, 0)
  const cost = sum(({ cpu }) => cpu) / sum(({ events }) => events)
  const p99 = Math.max(...results.map(({ latenciesMs }) => latenciesMs.p99))
  const cells = [name, perSecond.toFixed(0), cost.toFixed(1), p99.toFixed(1), String(sum(({ errors }) => errors))]
  process.stdout.write(`| ${cells.join(' | ')} |\n`)
}
