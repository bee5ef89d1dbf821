/** Tokens for Amazon MSK with IAM, by AWS's own signer, checked here against the rules of Signature Version 4. */
import { createHash, createHmac } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { createTokenProvider, type IssuedToken } from '../../../../src/durability/kafka/security/token-provider.ts'
import { AWS_SIGNER, npmPackage } from '../../../support/sdks/zoo/install.ts'

const SOURCES = join(import.meta.dirname, '..', '..', '..', '..', 'src', 'durability', 'kafka', 'security')
const KEY = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

type Sign = (region: string) => Promise<IssuedToken>

/**
 * The server's own module, imported from a new folder below `home`, so that packages are found from there and not from
 * this repository.
 */
async function signerFrom(home: string): Promise<Sign> {
  const dir = mkdtempSync(join(home, 'tributary-msk-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  for (const name of ['msk-issuer.ts', 'token-provider.ts']) cpSync(join(SOURCES, name), join(dir, name))
  return ((await import(pathToFileURL(join(dir, 'msk-issuer.ts')).href)) as { signMskToken: Sign }).signMskToken
}

const signMskToken = await signerFrom(await npmPackage(AWS_SIGNER))

/** The variables that AWS's packages read, without anything of this machine: no file, and no instance metadata. */
function setCredentials(variables: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  const nowhere = join(import.meta.dirname, 'no-such-file')
  const none = { AWS_EC2_METADATA_DISABLED: 'true', AWS_CONFIG_FILE: nowhere, AWS_SHARED_CREDENTIALS_FILE: nowhere }
  Object.assign(process.env, none, variables)
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
/** Escapes as in RFC 3986, which escapes more characters than encodeURIComponent(). */
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

/** The signature that AWS computes for a presigned GET, implemented from its public description. */
function signatureOf(url: URL, secret: string): string {
  const [, day = '', region = '', service = ''] = (url.searchParams.get('X-Amz-Credential') ?? '').split('/')
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature' && name !== 'User-Agent')
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .toSorted()
    .join('&')
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
  const request = ['GET', '/', query, `host:${url.host}`, '', 'host', hash('')].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', url.searchParams.get('X-Amz-Date'), scope, hash(request)].join('\n')
  const key = [region, service, 'aws4_request'].reduce<Buffer>(hmac, hmac(`AWS4${secret}`, day))
  return hmac(key, toSign).toString('hex')
}

const urlOf = (token: string): URL => new URL(Buffer.from(token, 'base64url').toString('utf8'))

t.test('a token is a presigned request to MSK of the region, with the signature that AWS also computes', async t => {
  setCredentials(KEY)
  const { token } = await signMskToken('eu-west-1')
  t.match(token, /^[\w-]+$/, 'the token is base64url without padding')
  const url = urlOf(token)
  t.equal(`${url.origin}${url.pathname}`, 'https://kafka.eu-west-1.amazonaws.com/')
  t.equal(url.searchParams.get('Action'), 'kafka-cluster:Connect')
  t.match(url.searchParams.get('X-Amz-Credential'), /^AKIDEXAMPLE\/\d{8}\/eu-west-1\/kafka-cluster\/aws4_request$/)
  t.equal(url.searchParams.get('X-Amz-SignedHeaders'), 'host')
  t.equal(url.searchParams.get('X-Amz-Signature'), signatureOf(url, KEY.AWS_SECRET_ACCESS_KEY))
  t.not(
    url.searchParams.get('X-Amz-Signature'),
    signatureOf(url, 'another secret'),
    'another secret gives another signature'
  )
})

t.test('the token of a role contains its session token, which is signed too', async t => {
  setCredentials({ ...KEY, AWS_SESSION_TOKEN: 'IQoJb3Jp/session+token==' })
  const url = urlOf((await signMskToken('us-east-2')).token)
  t.equal(url.searchParams.get('X-Amz-Security-Token'), 'IQoJb3Jp/session+token==')
  t.equal(url.searchParams.get('X-Amz-Signature'), signatureOf(url, KEY.AWS_SECRET_ACCESS_KEY))
})

t.test('a token is renewed before its 15 minutes end, with the current credentials', async t => {
  setCredentials(KEY)
  const { token, lifetimeMs } = await signMskToken('eu-west-1')
  t.equal(urlOf(token).searchParams.get('X-Amz-Expires'), '900')
  t.ok(lifetimeMs > 800_000 && lifetimeMs <= 900_000, `the token is valid for ${lifetimeMs} ms`)
  const clock = { now: 0 }
  const next = createTokenProvider(
    () => signMskToken('eu-west-1'),
    () => clock.now
  )
  const first = await next()
  clock.now = 500_000
  t.equal(await next(), first)
  setCredentials({ ...KEY, AWS_ACCESS_KEY_ID: 'AKIDROTATED' })
  clock.now = 640_000
  t.match(urlOf(await next()).searchParams.get('X-Amz-Credential'), /^AKIDROTATED\//)
})

t.test('without credentials the error gives the reason', async t => {
  setCredentials({})
  await t.rejects(signMskToken('eu-west-1'), {
    code: 'KAFKA_TOKEN',
    message: /there are no AWS credentials to sign with/
  })
})

t.test("without AWS's package the error names the command that installs it", async t => {
  const signMskToken = await signerFrom(tmpdir())
  await t.rejects(signMskToken('eu-west-1'), {
    code: 'KAFKA_TOKEN',
    message: 'KAFKA_SASL_MECHANISM=AWS_MSK_IAM needs a package of AWS: run "npm install aws-msk-iam-sasl-signer-js"'
  })
})
