import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'

const run = promisify(execFile)

const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
export const CHART = join(REPOSITORY, 'deploy', 'helm', 'tributary')
export const KUBERNETES = join(REPOSITORY, 'deploy', 'kubernetes')
/** The alerts, and their copy in the chart: a chart can only read files of its own. */
export const RULES_SOURCE = join(REPOSITORY, 'docker', 'prometheus', 'rules.yml')
export const RULES_FILE = join(CHART, 'files', 'rules.yml')

export const MANIFESTS = ['tributary.yaml', 'monitoring.yaml', 'drain-job.yaml'] as const
export type ManifestName = (typeof MANIFESTS)[number]

/** The templates of the chart that each file comes from. */
const TEMPLATES: Readonly<Record<ManifestName, readonly string[]>> = {
  'tributary.yaml': ['serviceaccount', 'secrets', 'services', 'statefulset', 'availability', 'networkpolicy'],
  'monitoring.yaml': ['monitoring'],
  'drain-job.yaml': ['drain-jobs']
}

/** The members of a Kubernetes object that the tests use. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  readonly spec: Record<string, unknown>
}

/** Undefined if helm is not installed: on the PATH, by Go, or in .cache/helm. */
export function findHelm(): string | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    process.env['GOBIN'] ?? '',
    join(homedir(), 'go', 'bin'),
    join(REPOSITORY, '.cache', 'helm')
  ]
  return folders
    .filter(folder => folder !== '')
    .map(folder => join(folder, 'helm'))
    .find(path => existsSync(path))
}

/** A helm that was built with Go assumes a very old cluster without this. */
export const AS_CLUSTER = ['--kube-version', '1.37.0']

/**
 * `helm template` of the chart as the release `tributary`, in a namespace of that name. Rejects with helm's message.
 */
export async function renderChart(helm: string, args: readonly string[] = []): Promise<string> {
  const release = ['tributary', CHART, '--namespace', 'tributary', ...AS_CLUSTER]
  return (await run(helm, ['template', ...release, ...args], { maxBuffer: 16 * 1024 * 1024 })).stdout
}

/**
 * One of the files of deploy/kubernetes as the chart generates it now, without its first line; undefined without helm.
 */
export async function renderManifest(name: ManifestName): Promise<string | undefined> {
  const helm = findHelm()
  if (helm === undefined) return undefined
  const shown = TEMPLATES[name].flatMap(template => ['--show-only', `templates/${template}.yaml`])
  const drained = name === 'drain-job.yaml' ? ['--set', 'drain.volumes={data-tributary-3}'] : []
  const text = await renderChart(helm, ['--values', join(KUBERNETES, 'values.yaml'), ...drained, ...shown])
  // White space at the ends of lines depends on the version of helm's template engine.
  return text.replaceAll(/[ \t]+$/gm, '')
}

/** The first line of each manifest: the digest of everything that they are generated from, except the alert rules. */
export function digestLine(): string {
  const files = readdirSync(CHART, { recursive: true, encoding: 'utf8' })
    .map(name => join(CHART, name))
    .filter(path => /\.\w+$/.test(path) && path !== RULES_FILE)
  const all = [...files, join(KUBERNETES, 'values.yaml')].toSorted()
  const hash = createHash('sha256')
  for (const path of all) hash.update(`${relative(REPOSITORY, path)}\n`).update(readFileSync(path))
  return `# Made by "npm run manifests" from deploy/helm, digest ${hash.digest('hex').slice(0, 16)}.`
}

/** monitoring.yaml with its alert rules replaced by these. Throws if it has no PrometheusRule. */
export function withRules(manifest: string, rules: string): string {
  const indented = rules.trimEnd().replaceAll(/^(?=.)/gm, '  ')
  const [found, head] = /(\nkind: PrometheusRule\n(?:(?!---).*\n)*?spec:\n)(?:(?!---).*\n)*/.exec(manifest) ?? []
  if (found === undefined) throw new Error('it has no PrometheusRule')
  return manifest.replace(found, () => `${head}${indented}\n`)
}

/** The objects in YAML text. Throws if it is not valid. */
export function objectsOf(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap(document => {
    if (document.errors.length > 0) throw document.errors[0] as Error
    const object = document.toJS() as Manifest | null
    return object === null ? [] : [object]
  })
}
