import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'

/** A certificate and its key as PEM texts, and their files. */
export interface Certificate {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

export interface FollowOptions {
  /** The pair with which the servers were started. */
  readonly certificate: Certificate
  /** TLS servers of Node. */
  readonly servers: readonly object[]
  readonly log: {
    info(facts: object, message: string): void
    error(facts: object, message: string): void
  }
}

/** A new pair is used after two equal reads in a row, because the two files are rarely replaced at the same instant. */
const READ_EVERY_MS = 1_000

export interface CertificateWatch {
  /** Reads the files now and uses them without a second read. */
  check(): void
  close(): void
}

interface TlsServer {
  setSecureContext(options: { cert: string; key: string }): void
}

/**
 * Watches the files of a certificate, so that a renewed certificate is served without a restart. Open connections stay as
 * they are. A pair that cannot be used is logged once, and the last good pair stays in force.
 */
export function followCertificate({ certificate, servers, log }: FollowOptions): CertificateWatch {
  const { certFile, keyFile } = certificate
  let inForce = pairOf(certificate.cert, certificate.key)
  let pending: string | undefined
  let refused: string | undefined
  let isReading = false
  let isAsked = false

  async function readPair(): Promise<void> {
    const wasAsked = isAsked
    isAsked = false
    const [cert, key] = await Promise.all([readText(certFile), readText(keyFile)])
    const seen = pairOf(cert.text, key.text)
    if (seen === inForce || wasAsked) refused = undefined
    if (seen !== inForce && wasAsked) take(cert, key, seen)
    else if (seen === inForce || seen === refused) pending = undefined
    else if (seen !== pending) pending = seen
    else take(cert, key, seen)
  }

  function take(cert: Read, key: Read, seen: string): void {
    pending = undefined
    try {
      for (const { problem } of [cert, key]) if (problem !== undefined) throw new Error(problem)
      const pair = { cert: cert.text, key: key.text }
      createSecureContext(pair)
      for (const server of servers) (server as TlsServer).setSecureContext(pair)
      inForce = seen
      refused = undefined
      log.info({ certFile, validTo: new X509Certificate(cert.text).validTo }, 'the new certificate is in force')
    } catch (error) {
      refused = seen
      const problem = (error as Error).message
      log.error({ certFile, keyFile, problem }, 'TLS_CERT and TLS_KEY cannot be used: the last good pair stays')
    }
  }

  function run(): void {
    if (isReading) return
    isReading = true
    void readPair().finally(() => {
      isReading = false
      if (isAsked) run()
    })
  }

  const timer = setInterval(run, READ_EVERY_MS).unref()
  return {
    check() {
      isAsked = true
      run()
    },
    close: () => clearInterval(timer)
  }
}

interface Read {
  readonly text: string
  readonly problem?: string
}

async function readText(file: string): Promise<Read> {
  try {
    return { text: await readFile(file, 'utf8') }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return { text: `(${code})`, problem: `${file} cannot be read (${code})` }
  }
}

function pairOf(cert: string, key: string): string {
  return `${cert}\0${key}`
}
