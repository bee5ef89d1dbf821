import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const REPOSITORY = join(import.meta.dirname, '..', '..')
const POM = join(import.meta.dirname, 'kafka', 'pom.xml')

/** The folder with the jars of the Kafka that kafka/pom.xml names, or of the version that KAFKA_VERSION asks for. */
export async function kafkaJars(version = process.env['KAFKA_VERSION']): Promise<string> {
  const pom = version === undefined || version === '' ? POM : await pomOf(version)
  return await jarsOf({ pom, artifact: 'kafka_2.13', folder: 'kafka' })
}

async function pomOf(version: string): Promise<string> {
  const text = await readFile(POM, 'utf8')
  const folder = join(REPOSITORY, '.cache', 'kafka', `pom-${version}`)
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'pom.xml')
  const wanted = `<version>${version}</version>`
  await writeFile(file, text.replace(`<version>${versionIn(text, 'kafka_2.13')}</version>`, wanted))
  return file
}

/**
 * The folder with the jars of the artifact that a pom.xml names. Maven downloads them on first use into
 * `.cache/<folder>/<version>-<digest of the pom>/libs`. The folder is created by a rename, so that processes that
 * download at the same time do not disturb one another. Throws an error with one line that names what to install.
 */
export async function jarsOf(wanted: {
  readonly pom: string
  readonly artifact: string
  readonly folder: string
}): Promise<string> {
  const pom = await readFile(wanted.pom, 'utf8')
  const digest = createHash('sha256').update(pom).digest('hex').slice(0, 8)
  const home = join(REPOSITORY, '.cache', wanted.folder, `${versionIn(pom, wanted.artifact)}-${digest}`)
  const libs = join(home, 'libs')
  if (!existsSync(libs)) await fetchJars(wanted.pom, { home, libs })
  return libs
}

/** The version of an artifact that a pom.xml depends on. */
export function versionIn(pom: string, artifact: string): string {
  const name = `<artifactId>${artifact}</artifactId>`
  const version = pom.includes(name) ? /<version>([^<]+)</.exec(pom.slice(pom.indexOf(name)))?.[1] : undefined
  if (version === undefined) throw new Error(`the pom names no version of ${artifact}`)
  return version
}

async function fetchJars(pom: string, { home, libs }: { home: string; libs: string }): Promise<void> {
  await mkdir(home, { recursive: true })
  const fresh = await mkdtemp(join(home, 'fetch-'))
  try {
    await runTool('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${fresh}`])
    await rename(fresh, libs)
  } catch (error) {
    if (!existsSync(libs)) throw error
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

/** Runs a Java program to its end. Its output is part of the error if it fails. */
export async function runTool(program: 'java' | 'mvn', args: readonly string[]): Promise<string> {
  try {
    return (await run(program, args, { maxBuffer: 16 * 1024 * 1024 })).stdout
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error(missing(program), { cause: error })
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} failed: ${(stderr + stdout).trim().slice(-2_000)}`, { cause: error })
  }
}

/** The message for a machine without Java or Maven. */
export function missing(program: string): string {
  return `${program} not found: tests run a real Kafka; install Java 17+ and Maven (Debian: apt-get install openjdk-17-jre-headless maven) or set KAFKA_BROKERS`
}
