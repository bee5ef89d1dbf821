/** The same with Fastify and nothing else. */
import Fastify from 'fastify'

const app = Fastify({ bodyLimit: 1024 * 1024 })
app.post('/v1/track', async () => ({ success: true }))
app.post('/v1/batch', async () => ({ success: true }))
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) })
process.on('SIGTERM', () => process.exit(0))
