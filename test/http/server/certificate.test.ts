/** A certificate that is renewed while the server runs, as happens every ninety days. */
import { execFileSync } from 'node:child_process'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { connect } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import t from 'tap'
import type { Test } from 'tap'
import { startApp } from '../../support/app.ts'
import { until } from '../../support/until.ts'

interface Pair {
  readonly cert: string
  readonly key: string
}

const folder = t.testdir()

/** A self-signed certificate for 127.0.0.1 in files of its own. */
function makeCertificate(name: string): Pair {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { cert, key }
}

const [first, second, third] = [makeCertificate('first'), makeCertificate('second'), makeCertificate('third')]

/** The name of the certificate that a listener shows to a new connection. */
function served(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

function copy(from: string, to: string): void {
  execFileSync('cp', [from, `${to}.new`])
  renameSync(`${to}.new`, to)
}

/** A server with the first certificate, in files of `name`, and the lines of its log. */
async function startWithFirst(t: Test, name: string) {
  const [TLS_CERT, TLS_KEY] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
  copy(first.cert, TLS_CERT)
  copy(first.key, TLS_KEY)
  const lines: { level: number; msg: string }[] = []
  const stream = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(JSON.parse(line.toString()) as (typeof lines)[number])
      done()
    }
  })
  return { ...(await startApp(t, { env: { TLS_CERT, TLS_KEY }, logger: pino({}, stream) })), lines, TLS_CERT, TLS_KEY }
}

t.test('both listeners serve a renewed certificate without a restart, and never a broken one', async t => {
  const { url, adminUrl, lines, TLS_CERT, TLS_KEY } = await startWithFirst(t, 'tls')
  const errors = () => lines.filter(({ level }) => level >= 50)
  t.match(url, /^https:/)
  t.match(adminUrl, /^https:/)
  t.equal(await served(url), 'first')
  t.equal(await served(adminUrl), 'first')

  const { hostname, port } = new URL(url)
  const old = connect({ host: hostname, port: Number(port), rejectUnauthorized: false })
  t.teardown(() => old.destroy())
  await new Promise(resolve => old.once('secureConnect', resolve))

  copy(second.cert, TLS_CERT)
  await sleep(300)
  copy(second.key, TLS_KEY)
  await until(async () => (await served(url)) === 'second', { what: 'the new certificate' })
  t.equal(await served(adminUrl), 'second', 'the admin listener serves the new certificate')
  t.same(errors(), [], 'a moment with only one new file is not an error')
  old.write('GET /nope HTTP/1.1\r\nhost: x\r\n\r\n')
  const answer = await new Promise<Buffer>(resolve => old.once('data', resolve))
  t.match(answer.toString(), /^HTTP\/1\.1 404 /, 'open connections are kept')

  copy(third.cert, TLS_CERT)
  await until(() => errors().length > 0, { what: 'the message about the pair that does not match' })
  await sleep(2_500)
  t.equal(errors().length, 1, 'the problem is logged once')
  t.match(errors()[0], { msg: /TLS_CERT and TLS_KEY cannot be used/ })
  t.notMatch(JSON.stringify(lines), /PRIVATE KEY/, 'no key is in the log')
  t.equal(await served(url), 'second', 'the last valid pair is served')

  writeFileSync(TLS_KEY, 'nonsense')
  await until(() => errors().length === 2, { what: 'the message about the invalid file' })
  rmSync(TLS_KEY)
  await until(() => errors().length === 3, { what: 'the message about the missing file' })
  t.equal(await served(url), 'second')

  copy(third.key, TLS_KEY)
  await until(async () => (await served(url)) === 'third', { what: 'the corrected pair' })
  t.equal(errors().length, 3)
})

t.test('a reload uses the current pair, and reports an unusable pair again', async t => {
  const { app, url, lines, TLS_CERT, TLS_KEY } = await startWithFirst(t, 'now')
  const errors = () => lines.filter(({ msg }) => /TLS_CERT and TLS_KEY cannot be used/.test(msg)).length
  app.reload()
  copy(second.key, TLS_KEY)
  for (const times of [1, 2]) {
    app.reload()
    await until(() => errors() === times, { what: `${times} messages about the pair` })
  }
  t.equal(await served(url), 'first', 'the last valid pair is served')
  copy(second.cert, TLS_CERT)
  app.reload()
  await until(async () => (await served(url)) === 'second', { what: 'the new pair' })
  await app.close()
  app.reload()
  t.equal(errors(), 2)
})
