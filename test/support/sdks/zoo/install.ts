import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { jarsOf } from '../../kafka-jars.ts'

const run = promisify(execFile)

const HERE = import.meta.dirname
const CACHE = join(HERE, '..', '..', '..', '..', '.cache', 'zoo')
/** AWS's own package for tokens of Amazon MSK. */
export const AWS_SIGNER = 'aws-msk-iam-sasl-signer-js@1.0.3'
/** Checks objects against the schemas of Kubernetes, offline. */
export const KUBERNETES_VALIDATE = 'kubernetes-validate==1.37.0'
/** Crates are compiled. */
const TIMEOUT_MS = 900_000

/**
 * Creates `.cache/zoo/<name>-<digest of key>` once, with `fill`, and resolves with its path. The rest of an interrupted
 * run is filled again.
 */
async function once(name: string, key: string, fill: (dir: string) => Promise<void>): Promise<string> {
  const dir = join(CACHE, `${name}-${createHash('sha256').update(key).digest('hex').slice(0, 8)}`)
  const done = join(dir, '.installed')
  if (existsSync(done)) return dir
  await mkdir(dir, { recursive: true })
  await fill(dir)
  await writeFile(done, '')
  return dir
}

/** A folder with the packages of npm/package.json. */
export async function npmPackages(): Promise<string> {
  const manifest = await readFile(join(HERE, 'npm', 'package.json'), 'utf8')
  return once('npm', manifest, async dir => {
    await writeFile(join(dir, 'package.json'), manifest)
    // React Native itself is not installed: it has hundreds of packages, and none of them runs here.
    const quiet = ['--legacy-peer-deps', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error']
    await run('npm', ['install', ...quiet], { cwd: dir, timeout: TIMEOUT_MS })
  })
}

/**
 * A folder in which one npm package can be found, e.g. `aws-msk-iam-sasl-signer-js@1.0.3`, with everything that it
 * needs.
 */
export async function npmPackage(requirement: string): Promise<string> {
  return once('npm-one', requirement, async dir => {
    await writeFile(join(dir, 'package.json'), '{"private":true}')
    const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error']
    await run('npm', ['install', ...quiet, requirement], { cwd: dir, timeout: TIMEOUT_MS })
  })
}

/**
 * The Python of a virtual environment with one package, e.g. `rudder-sdk-python==2.1.9`: some packages share module
 * names.
 */
export async function pythonWith(requirement: string): Promise<string> {
  const dir = await once('python', requirement, async dir => {
    await run('python3', ['-m', 'venv', '--clear', dir])
    await run(join(dir, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', requirement], { timeout: TIMEOUT_MS })
  })
  return join(dir, 'bin', 'python')
}

/** The compiled program of go/. */
export async function goProgram(): Promise<string> {
  const source = await readFile(join(HERE, 'go', 'main.go'), 'utf8')
  const dir = await once('go', source, async dir => {
    await cp(join(HERE, 'go'), dir, { recursive: true })
    await run('go', ['build', '-o', 'calls', '.'], { cwd: dir, timeout: TIMEOUT_MS })
  })
  return join(dir, 'calls')
}

/** A compiled program of rust/, by the name of its file in src/bin. */
export async function rustProgram(name: 'segment' | 'rudder'): Promise<string> {
  const files = ['Cargo.toml', 'src/bin/segment.rs', 'src/bin/rudder.rs']
  const sources = await Promise.all(files.map(file => readFile(join(HERE, 'rust', file), 'utf8')))
  const dir = await once('rust', sources.join('\n'), async dir => {
    await cp(join(HERE, 'rust'), dir, { recursive: true })
    await run('cargo', ['build', '--quiet'], { cwd: dir, timeout: TIMEOUT_MS })
  })
  return join(dir, 'target', 'debug', name)
}

/** The jars of jvm/<name>.pom.xml as a class path. */
export async function jarsWith(name: 'rudder' | 'kotlin', artifact: string): Promise<string> {
  return join(await jarsOf({ pom: join(HERE, 'jvm', `${name}.pom.xml`), artifact, folder: `zoo/${name}` }), '*')
}

/**
 * The program for RudderStack's SDK for Java: that of Segment's SDK, from which it was forked, with RudderStack's
 * names.
 */
export async function rudderJavaProgram(): Promise<string> {
  const program = (await readFile(join(HERE, '..', 'java', 'Calls.java'), 'utf8'))
    .replaceAll('com.segment.analytics.', 'com.rudderstack.sdk.java.analytics.')
    .replaceAll('analytics.Analytics;', 'analytics.RudderAnalytics;')
    .replaceAll('Analytics analytics', 'RudderAnalytics analytics')
    .replaceAll('Analytics.builder', 'RudderAnalytics.builder')
    .replaceAll('.endpoint(', '.setDataPlaneUrl(')
  const dir = await once('rudder-java', program, dir => writeFile(join(dir, 'Calls.java'), program))
  return join(dir, 'Calls.java')
}

/** Downloads and builds what the SDKs of the test suite need, so that no test waits for it. */
export async function installMostUsed(): Promise<void> {
  await npmPackages()
  await npmPackage(AWS_SIGNER)
  const python = ['analytics-python==1.4.post1', 'rudder-sdk-python==2.1.9', KUBERNETES_VALIDATE]
  for (const requirement of python) await pythonWith(requirement)
  await goProgram()
  await jarsWith('kotlin', 'core')
}
