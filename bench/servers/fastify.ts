/** The same with Fastify and nothing else: fastify.ts <port> [unit, keep]. */
import Fastify from 'fastify'
import type { Records } from './keep.ts'
import { createKeep, recordsOf } from './keep.ts'

const [port, unit, ...place] = process.argv.slice(2)
const keep = await createKeep(place)
const app = Fastify({ bodyLimit: 1024 * 1024 })
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, bytes: Buffer, done) => {
  done(null, recordsOf(unit, JSON.parse(bytes.toString()) as object, bytes))
})
for (const path of ['/v1/track', '/v1/batch']) {
  app.post(path, (request, reply) => keep(request.body as Records, () => void reply.send({ success: true })))
}
await app.listen({ host: '127.0.0.1', port: Number(port) })
process.on('SIGTERM', () => process.exit(0))
