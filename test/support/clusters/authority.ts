import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A certificate and its key in files. */
export interface Issued {
  readonly cert: string
  readonly key: string
  /** Both in one file, in the form of Kafka's PEM stores. */
  readonly store: string
}

export interface IssueOptions {
  /** The subject alternative names; default `IP:127.0.0.1,DNS:localhost`. */
  readonly names?: string
  /** The passphrase that encrypts the key. */
  readonly passphrase?: string
  /** The certificate expired an hour ago. */
  readonly expired?: boolean
}

/** A certificate authority for tests, created with openssl in a folder. */
export interface Authority {
  /** PEM file of its certificate. */
  readonly ca: string
  /** A certificate for `CN=name`. */
  issue(name: string, options?: IssueOptions): Promise<Issued>
}

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']

export async function makeAuthority(folder: string, name = 'ca'): Promise<Authority> {
  const at = (file: string): string => join(folder, file)
  const openssl = (...args: string[]): Promise<unknown> => run('openssl', args)
  const subject = ['-subj', `/CN=${name}`, '-days', '30', '-nodes']
  await openssl('req', '-x509', ...CURVE, ...subject, '-keyout', at(`${name}.key`), '-out', at(`${name}.pem`))
  await writeFile(at(`${name}.cnf`), authorityConfig(folder, name))
  await writeFile(at(`${name}.index`), '')

  async function issue(subjectName: string, options: IssueOptions = {}): Promise<Issued> {
    const { names = 'IP:127.0.0.1,DNS:localhost', passphrase, expired = false } = options
    const [cert, key, store] = [at(`${subjectName}.pem`), at(`${subjectName}.key`), at(`${subjectName}.store.pem`)]
    const request = at(`${subjectName}.csr`)
    const secrecy = passphrase === undefined ? ['-nodes'] : ['-passout', `pass:${passphrase}`]
    const wanted = ['-subj', `/CN=${subjectName}`, '-addext', `subjectAltName=${names}`]
    await openssl('req', ...CURVE, ...secrecy, ...wanted, '-keyout', key, '-out', request)
    const hour = 3_600_000
    const [from, to] = expired ? [-48 * hour, -hour] : [-hour, 48 * hour]
    const times = ['-startdate', asn1Time(Date.now() + from), '-enddate', asn1Time(Date.now() + to)]
    await openssl('ca', '-batch', '-notext', '-config', at(`${name}.cnf`), ...times, '-in', request, '-out', cert)
    await writeFile(store, (await readFile(key, 'utf8')) + (await readFile(cert, 'utf8')))
    return { cert, key, store }
  }

  return { ca: at(`${name}.pem`), issue }
}

/** `YYYYMMDDHHMMSSZ`. */
function asn1Time(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().replaceAll(/[-:T]|\..*/g, '')}Z`
}

function authorityConfig(folder: string, name: string): string {
  return `[ca]
default_ca = own
[own]
new_certs_dir = ${folder}
database = ${join(folder, `${name}.index`)}
rand_serial = yes
unique_subject = no
certificate = ${join(folder, `${name}.pem`)}
private_key = ${join(folder, `${name}.key`)}
default_md = sha256
copy_extensions = copy
policy = any
[any]
commonName = supplied
`
}
