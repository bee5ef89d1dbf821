/** The Helm chart of deploy/helm, and the plain manifests that are generated from it. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import {
  AS_CLUSTER,
  CHART,
  digestLine,
  findHelm,
  KUBERNETES,
  MANIFESTS,
  objectsOf,
  renderChart,
  renderManifest,
  RULES_FILE,
  RULES_SOURCE,
  type Manifest,
  withRules
} from '../support/deploy/chart.ts'
import { KUBERNETES_VALIDATE, pythonWith } from '../support/sdks/zoo/install.ts'

const run = promisify(execFile)
/** The oldest and the newest version that the validator supports. */
const KUBERNETES_VERSIONS = ['1.25', '1.37']
const VALUES = join(KUBERNETES, 'values.yaml')

const helm = findHelm()
const read = (name: string): string => readFileSync(join(KUBERNETES, name), 'utf8')
const objects = MANIFESTS.flatMap(name => objectsOf(read(name)))

/** The value at a path such as `spec.template.spec.containers.0`; undefined if there is none. */
function at(object: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], object)
}

function one(kind: string, from: readonly Manifest[] = objects): Manifest {
  const found = from.filter(object => object.kind === kind)
  if (found.length !== 1) throw new Error(`found ${found.length} objects of kind ${kind} instead of one`)
  return found[0] as Manifest
}

/** The variables of a container that have a value of their own. */
function envOf(container: unknown): Record<string, string> {
  const env = at(container, 'env') as readonly { readonly name: string; readonly value?: string }[]
  return Object.fromEntries(env.map(({ name, value }) => [name, value ?? '']))
}

const seconds = (text: string | undefined): number => Number(/^(\d+)s$/.exec(text ?? '')?.[1])
const gibibytes = (text: unknown): number => Number(/^(\d+)(?:Gi|GiB)$/.exec(String(text))?.[1])

/** Checks that hold for every rendering, whatever its values are. */
function assertSound(t: Test, rendered: readonly Manifest[]): void {
  const set = one('StatefulSet', rendered)
  const container = at(set, 'spec.template.spec.containers.0')
  const env = envOf(container)
  const preStop = at(container, 'lifecycle.preStop.exec.command') as readonly string[]
  t.equal(preStop[0], 'sleep')
  const inOrder = Number(preStop[1]) + seconds(env['SHUTDOWN_GRACE']) + seconds(env['DRAIN_ON_STOP'])
  const grace = Number(at(set, 'spec.template.spec.terminationGracePeriodSeconds'))
  t.ok(grace >= inOrder + 5, `the grace period of ${grace} s exceeds the ${inOrder} s of a normal stop`)
  const volume = gibibytes(at(set, 'spec.volumeClaimTemplates.0.spec.resources.requests.storage'))
  const spool = gibibytes(env['SPOOL_MAX_BYTES'])
  t.ok(spool > 0 && spool <= volume * 0.8, `a spool of ${spool} GiB fits into a volume of ${volume} GiB`)
  t.strictSame(at(set, 'spec.persistentVolumeClaimRetentionPolicy'), { whenDeleted: 'Retain', whenScaled: 'Retain' })
}

t.test('the plain manifests equal the output of the chart', async t => {
  t.strictSame(
    parse(readFileSync(RULES_FILE, 'utf8')),
    parse(readFileSync(RULES_SOURCE, 'utf8')),
    'the alerts of the chart are up to date (npm run manifests)'
  )
  t.equal(
    withRules(read('monitoring.yaml'), readFileSync(RULES_SOURCE, 'utf8')),
    read('monitoring.yaml'),
    'without helm, the alert rules are renewed and nothing else changes'
  )
  for (const name of MANIFESTS) t.equal(read(name).split('\n', 1)[0], digestLine(), `${name}: npm run manifests`)
  if (helm === undefined) {
    t.comment('helm is not installed: the manifests are compared with the digest of the chart, and not generated again')
    return
  }
  for (const name of MANIFESTS) {
    const made = (await renderManifest(name)) ?? ''
    // Compared as objects, because versions of helm place line breaks differently.
    t.strictSame(objectsOf(read(name)), objectsOf(made), `${name} is up to date (npm run manifests)`)
  }
})

t.test('the oldest and the newest supported Kubernetes accept each object, without an unknown field', async t => {
  const program = join(dirname(await pythonWith(KUBERNETES_VALIDATE)), 'kubernetes-validate')
  for (const version of KUBERNETES_VERSIONS) {
    for (const name of ['tributary.yaml', 'drain-job.yaml']) {
      await t.resolves(
        run(program, ['--strict', '--kubernetes-version', version, join(KUBERNETES, name)]),
        `Kubernetes ${version} accepts ${name}`
      )
    }
  }
})

t.test('a pod has enough time for a clean stop, and a volume enough space for its spool', async t => {
  assertSound(t, objects)
})

t.test('every kind of object exists, and selects the servers', async t => {
  t.strictSame(
    objects.map(({ kind }) => kind).toSorted((a, b) => a.localeCompare(b)),
    [
      'HorizontalPodAutoscaler',
      'Job',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'PrometheusRule',
      'Secret',
      'Service',
      'Service',
      'ServiceAccount',
      'ServiceMonitor',
      'StatefulSet'
    ]
  )
  const set = one('StatefulSet')
  const labels = at(set, 'spec.template.metadata.labels') as Record<string, string>
  const isSelected = (selector: unknown): boolean =>
    Object.entries(selector as Record<string, string>).every(([name, value]) => labels[name] === value)
  const services = objects.filter(({ kind }) => kind === 'Service')
  for (const service of services) t.ok(isSelected(at(service, 'spec.selector')), service.metadata.name)
  const headless = services.find(service => at(service, 'spec.clusterIP') === 'None')
  t.equal(at(set, 'spec.serviceName'), headless?.metadata.name, 'the pods get their names from the headless Service')
  t.ok(
    envOf(at(set, 'spec.template.spec.containers.0'))['ADMIN_URL']?.startsWith(
      `http://$(SERVER_NAME).${headless?.metadata.name}.tributary.svc:`
    )
  )
  for (const [kind, path] of [
    ['PodDisruptionBudget', 'spec.selector.matchLabels'],
    ['NetworkPolicy', 'spec.podSelector.matchLabels'],
    ['StatefulSet', 'spec.selector.matchLabels'],
    ['StatefulSet', 'spec.template.spec.topologySpreadConstraints.0.labelSelector.matchLabels']
  ] as const) {
    t.ok(isSelected(at(one(kind), path)), `${path} of ${kind} selects the servers`)
  }
  const watched = at(one('ServiceMonitor'), 'spec.selector.matchLabels') as Record<string, string>
  t.strictSame(
    services.filter(({ metadata }) =>
      Object.entries(watched).every(([name, value]) => metadata.labels[name] === value)
    ),
    [headless],
    'Prometheus scrapes each server once'
  )
  t.equal(
    headless?.metadata.labels[String(at(one('ServiceMonitor'), 'spec.jobLabel'))],
    'tributary',
    'the job has the name that the alerts use'
  )
  t.equal(at(one('HorizontalPodAutoscaler'), 'spec.scaleTargetRef.name'), set.metadata.name)
  t.equal(at(set, 'spec.replicas'), undefined, 'the autoscaler sets the number of replicas')
})

t.test('containers run without root rights, and write only to their volume and /tmp', async t => {
  for (const [kind, pod] of [
    ['StatefulSet', 'spec.template.spec'],
    ['Job', 'spec.template.spec']
  ] as const) {
    const object = one(kind)
    const container = at(object, `${pod}.containers.0`)
    t.match(at(object, `${pod}.securityContext`), {
      runAsNonRoot: true,
      runAsUser: 1000,
      seccompProfile: { type: 'RuntimeDefault' }
    })
    t.strictSame(at(container, 'securityContext'), {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] }
    })
    t.equal(at(object, `${pod}.automountServiceAccountToken`), false)
    const mounts = at(container, 'volumeMounts') as readonly { mountPath: string; readOnly?: boolean }[]
    t.strictSame(
      mounts.filter(({ readOnly }) => readOnly !== true).map(({ mountPath }) => mountPath),
      ['/data', '/tmp']
    )
  }
})

t.test('the manifests contain no secret, and their variables are those of the server', async t => {
  const { readEnvironment } = await import('../../src/config/env/environment.ts')
  const container = at(one('StatefulSet'), 'spec.template.spec.containers.0')
  const { ADMIN_PASSWORD_FILE, SERVER_NAME: _pod, ADMIN_URL: _url, CONFIG_FILE, ...env } = envOf(container)
  t.equal(ADMIN_PASSWORD_FILE, '/etc/tributary/secrets/ADMIN_PASSWORD')
  t.equal(CONFIG_FILE, '/etc/tributary/config/tributary.yml')
  const config = readEnvironment(env)
  t.strictSame(config.warnings, [])
  t.equal(config.fleet?.name, 'tributary')
  const secret = at(one('Secret'), 'stringData') as Record<string, string>
  t.strictSame(Object.keys(secret), ['tributary.yml'])
  const { sources } = parse(secret['tributary.yml'] ?? '') as { sources: { writeKeys: string[] }[] }
  t.strictSame(
    sources.flatMap(({ writeKeys }) => writeKeys),
    [`sha256:${'0'.repeat(64)}`],
    'the manifests contain only the digest of an unknown key'
  )
})

t.test("the Job for a remaining volume drains it with the servers' own settings", async t => {
  const job = at(one('Job'), 'spec.template.spec')
  t.match(at(job, 'containers.0.command'), ['tributary', 'spool', 'drain', '/data', '--timeout'])
  t.equal(at(job, 'volumes.0.persistentVolumeClaim.claimName'), 'data-tributary-3')
  const server = envOf(at(one('StatefulSet'), 'spec.template.spec.containers.0'))
  t.strictSame(envOf(at(job, 'containers.0')), server)
})

t.test('values that cannot work are refused with a message, and other values keep the promises', async t => {
  if (helm === undefined) {
    t.comment('helm is not installed: only the checked-in manifests are checked')
    assertSound(t, objects)
    return
  }
  const cases: [string[], RegExp][] = [
    [['spoolGiB=17'], /spoolGiB \(17\) is more than 80 % of persistence\.sizeGiB \(20\)/],
    [['kafka.brokers='], /kafka\.brokers is empty/],
    [['shutdown.margin=1'], /shutdown\.margin is below 5/],
    [['secrets.existingSecret='], /secrets\.values\.ADMIN_PASSWORD is missing/],
    [['env.SHUTDOWN_GRACE=60s'], /env\.SHUTDOWN_GRACE is the chart's to set/]
  ]
  for (const [set, words] of cases) {
    const args = set.flatMap(pair => ['--set', pair])
    await t.rejects(renderChart(helm, ['--values', VALUES, ...args]), words, set.join())
  }
  const other = [
    'shutdown.drain=600',
    'shutdown.preStop=20',
    'spoolGiB=160',
    'persistence.sizeGiB=200',
    'autoscaling.enabled=false',
    'replicas=2'
  ]
  const rendered = objectsOf(await renderChart(helm, ['--values', VALUES, ...other.flatMap(pair => ['--set', pair])]))
  assertSound(t, rendered)
  t.equal(at(one('StatefulSet', rendered), 'spec.replicas'), 2)
  await t.resolves(
    run(helm, ['lint', CHART, '--strict', '--values', VALUES, ...AS_CLUSTER]),
    'helm lint finds no problem'
  )
})
