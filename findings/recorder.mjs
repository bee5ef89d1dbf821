// A small recording server for the findings, and a way to run a program in a runtime.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'

/**
 * Answers 200 `{"success":true}` on loopback, unless `answer(request, response)` returns true.
 * `requests` are those that came whole: number, method, path, headers, body and the number of their connection.
 */
export async function record(answer = async () => false, options = {}) {
  const requests = []
  let connections = 0
  const receive = async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const { method, url, headers, socket } = request
    const body = Buffer.concat(chunks).toString()
    const number = requests.push({ method, url, headers, body, connection: socket.number })
    if (await answer({ ...requests.at(-1), number, socket }, response)) return
    response.setHeader('content-type', 'application/json')
    response.end('{"success":true}')
  }
  const server = createServer(options, (request, response) => void receive(request, response))
  server.on('connection', socket => {
    socket.number = ++connections
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    requests,
    url: `http://127.0.0.1:${server.address().port}`,
    get connections() {
      return connections
    },
    /** The events of all batches. */
    get events() {
      return requests.flatMap(({ body }) => JSON.parse(body).batch)
    },
    close() {
      server.closeAllConnections()
      server.close()
    }
  }
}

const RUNTIMES = {
  node: ['node'],
  bun: ['bun', 'run'],
  deno: ['deno', 'run', '--allow-all', '--no-check', '--node-modules-dir=manual']
}

/** What a program wrote to standard output in `node`, `bun` or `deno`; it has 60 s. */
export function run(runtime, program, env = {}) {
  const file = `${runtime}.mjs`
  writeFileSync(file, program)
  const [command, ...flags] = RUNTIMES[runtime]
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...env }, timeout: 60_000 }
    execFile(command, [...flags, file], options, (error, stdout, stderr) =>
      error ? reject(new Error(stderr, { cause: error })) : resolve(stdout.trim())
    )
  })
}
