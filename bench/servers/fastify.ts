/** The same with Fastify and nothing else: fastify.ts <port> [keep]. */
import Fastify from 'fastify'
import { createKeep } from './keep.ts'

const [port, ...place] = process.argv.slice(2)
const keep = await createKeep(place)
const app = Fastify({ bodyLimit: 1024 * 1024 })
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, bytes: Buffer, done) => {
  JSON.parse(bytes.toString())
  done(null, bytes)
})
for (const path of ['/v1/track', '/v1/batch']) {
  app.post<{ Body: Buffer }>(path, (request, reply) => keep(request.body, () => void reply.send({ success: true })))
}
await app.listen({ host: '127.0.0.1', port: Number(port) })
process.on('SIGTERM', () => process.exit(0))
