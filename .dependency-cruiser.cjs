// Which room of src/ may import which others, besides itself; README.md of each room and docs/architecture.md say why.
const ROOMS = {
  model: [],
  disk: [],
  dedupe: ['model', 'disk'],
  config: ['model'],
  contract: ['model'],
  keys: ['model'],
  sinks: ['model', 'disk'],
  telemetry: ['model'],
  admin: ['model'],
  ingest: ['model', 'contract'],
  http: ['model', 'contract', 'ingest'],
  fleet: ['model', 'config', 'keys', 'sinks']
}

const roomRules = Object.entries(ROOMS).map(([room, allowed]) => ({
  name: `${room}-keeps-to-its-room`,
  comment: `src/${room} may import ${allowed.length === 0 ? 'nothing' : allowed.join(' and ')} of src/ besides itself.`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: `^src/(${[room, ...allowed].join('|')})/` }
}))

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: 'model-imports-nothing',
      comment: 'The words of the house lean on no package and no module of Node.',
      severity: 'error',
      from: { path: '^src/model/' },
      to: { pathNot: '^src/model/' }
    },
    {
      name: 'ingest-is-pure',
      comment: 'The workshop knows neither Fastify nor Kafka, and does no I/O: what it needs is handed in.',
      severity: 'error',
      from: { path: '^src/ingest/' },
      to: {
        dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer'],
        pathNot: '^(node:)?(buffer|crypto|net|util)$'
      }
    },
    {
      name: 'only-telemetry-makes-metrics',
      comment: 'Metric names live in one list; other rooms take callbacks.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/telemetry/' },
      to: { path: '(^|/)@prometheus-io/client(/|$)' }
    },
    {
      name: 'only-sinks-speak-kafka',
      comment: 'The Kafka client stays behind the Sink contract, and behind the topics of a fleet.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(sinks|fleet/topics)/' },
      to: { path: '(^|/)@platformatic/kafka(/|$)' }
    },
    {
      name: 'nobody-imports-the-front-door',
      comment: 'app.ts is for main.ts, the command line, tests and the load program; start.js starts main.ts.',
      severity: 'error',
      from: { path: '^(src|test|bench|scripts)/', pathNot: '^src/(start\\.js$|main\\.ts$|cli/|app/)|^(test|bench)/' },
      to: { path: '^src/(app\\.ts|main\\.ts|start\\.js)$' }
    },
    {
      name: 'src-stands-alone',
      comment: 'What runs in production imports no test, load program or script.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' }
    },
    {
      name: 'no-development-packages-in-src',
      comment: 'The image is installed without devDependencies.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] }
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true }
    },
    {
      name: 'no-unresolvable-imports',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true }
    }
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(\\.tap|data|src/admin/page)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] }
  }
}
