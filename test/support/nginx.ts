import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { runBalancer } from './haproxy.ts'
import { freePort } from './kafka-process.ts'

const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'nginx', 'tributary.conf')

/** Runs examples/nginx in front of up to three servers, and returns its URL. */
export async function runNginx(t: Test, servers: readonly { readonly url: string }[]): Promise<string> {
  const port = await freePort()
  // A test has one testdir, which the servers use.
  const dir = mkdtempSync(join(tmpdir(), 'tributary-nginx-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  let example = readFileSync(EXAMPLE, 'utf8').replace('listen 8080', `listen 127.0.0.1:${port}`)
  for (const [index, { url }] of servers.entries()) {
    example = example.replace(`127.0.0.1:${3000 + 10 * index}`, `127.0.0.1:${new URL(url).port}`)
  }
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${dir}/${name};`)
  writeFileSync(
    join(dir, 'nginx.conf'),
    `daemon off; pid ${dir}/pid; error_log ${dir}/error.log; events {} http { access_log off; ${paths.join(' ')} ${example} }`
  )
  runBalancer(t, '/usr/sbin/nginx', ['-p', dir, '-c', join(dir, 'nginx.conf')])
  return `http://127.0.0.1:${port}`
}
