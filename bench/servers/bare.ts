/**
 * The lower bound: node:http that reads the body, parses it, stores it if asked to, and answers: bare.ts <port> [unit,
 * keep].
 */
import { createServer } from 'node:http'
import { createKeep, recordsOf } from './keep.ts'

const [port, unit, ...place] = process.argv.slice(2)
const keep = await createKeep(place)
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const bytes = Buffer.concat(chunks)
    const body = JSON.parse(bytes.toString()) as { batch?: object[] }
    const answer = body.batch === undefined || body.batch.length > 0 ? '{"success":true}' : '{"success":false}'
    keep(recordsOf(unit, body, bytes), () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length })
      response.end(answer)
    })
  })
})
server.listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
