// Which folder of src/ may import which others, besides itself. docs/architecture.md says why; test/imports.test.ts breaks
// each rule once. A folder that is not listed here may not import anything of src/.
const FOLDERS = {
  model: [],
  disk: [],
  config: ['model', 'disk'],
  contract: ['model', 'disk'],
  keys: ['model'],
  client: ['model'],
  telemetry: ['model'],
  durability: ['model', 'disk'],
  debugger: ['model', 'client'],
  ingest: ['model', 'contract', 'disk'],
  governance: ['model', 'contract', 'ingest', 'keys', 'config'],
  http: ['model', 'contract', 'ingest'],
  oauth: ['model', 'keys', 'http'],
  fleet: ['model', 'client', 'config', 'keys', 'durability']
}
// These join the others: they may import everything.
const JOINING = ['app', 'cli']

// Inside a folder: which of its folders may import which of their neighbours. Its own files are open to all of them.
const INNER_FOLDERS = {
  config: { env: [], file: [] },
  keys: { store: [], edit: [] },
  ingest: {
    parse: [],
    dedupe: [],
    route: ['parse'],
    judge: ['parse', 'route'],
    enrich: ['parse', 'judge'],
    govern: ['parse', 'judge'],
    pipeline: ['parse', 'dedupe', 'route', 'judge', 'enrich', 'govern']
  },
  http: {
    body: [],
    caller: [],
    server: ['caller'],
    browser: ['caller', 'server'],
    tracking: ['body', 'caller', 'server'],
    pixel: ['caller', 'server', 'tracking']
  },
  durability: {
    log: [],
    lanes: ['kafka/encode'],
    kafka: ['lanes'],
    spool: ['log', 'lanes', 'kafka'],
    search: ['log', 'kafka', 'spool', 'archive'],
    archive: ['log', 'kafka'],
    erase: ['log', 'spool', 'archive']
  },
  'durability/log': { segment: [], write: ['segment'], read: ['segment'] },
  'durability/kafka': {
    encode: [],
    security: [],
    connect: ['encode', 'security'],
    topics: ['connect'],
    send: ['encode', 'connect', 'topics']
  },
  debugger: { ring: [], access: [], live: ['ring'], api: ['ring', 'live'], page: ['access'] },
  cli: {
    fleet: [],
    keys: ['fleet'],
    apps: ['keys'],
    plan: [],
    stored: [],
    config: ['keys', 'fleet'],
    doctor: ['fleet', 'keys'],
    export: ['stored'],
    rejected: ['keys'],
    running: ['keys'],
    topics: ['keys']
  }
}

const folderRules = Object.entries(FOLDERS).map(([folder, allowed]) => ({
  name: `src-${folder}`,
  comment: `src/${folder} may import ${allowed.length === 0 ? 'nothing' : allowed.join(' and ')} of src/ besides itself.`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...allowed].join('|')})/` }
}))

const innerRules = Object.entries(INNER_FOLDERS).flatMap(([parent, folders]) =>
  Object.entries(folders).map(([folder, allowed]) => ({
    name: `src-${parent}-${folder}`.replaceAll('/', '-'),
    comment: `src/${parent}/${folder} may import ${allowed.length === 0 ? 'none' : allowed.join(' and ')} of its neighbours.`,
    severity: 'error',
    from: { path: `^src/${parent}/${folder}/` },
    to: { path: `^src/${parent}/[^/]+/`, pathNot: `^src/${parent}/(${[folder, ...allowed].join('|')})/` }
  }))
)

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...folderRules,
    ...innerRules,
    {
      name: 'no-folder-without-rules',
      comment: 'A new folder of src/ needs a line in FOLDERS.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: `^src/(${[...Object.keys(FOLDERS), ...JOINING].join('|')})/` },
      to: { path: '^src/' }
    },
    {
      name: 'model-imports-nothing',
      comment: 'The shared types lean on no package and no module of Node.',
      severity: 'error',
      from: { path: '^src/model/' },
      to: { pathNot: '^src/model/' }
    },
    {
      name: 'ingest-is-pure',
      comment: 'Event handling knows neither Fastify nor Kafka, and does no I/O: what it needs is handed in.',
      severity: 'error',
      from: { path: '^src/ingest/', pathNot: '^src/ingest/dedupe/' },
      to: {
        dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer'],
        pathNot: '^(node:)?(buffer|crypto|net|util)$'
      }
    },
    {
      name: 'only-dedupe-of-ingest-writes-files',
      comment: 'The id window keeps a journal; nothing else of ingest touches a disk.',
      severity: 'error',
      from: { path: '^src/ingest/', pathNot: '^src/ingest/dedupe/' },
      to: { path: '^src/disk/' }
    },
    {
      name: 'only-telemetry-makes-metrics',
      comment: 'Metric names live in one list; other folders take callbacks.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/telemetry/' },
      to: { path: '(^|/)@prometheus-io/client(/|$)' }
    },
    {
      name: 'only-traces-load-opentelemetry',
      comment: 'A server that is asked for no traces loads none of these packages.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/telemetry/traces/' },
      to: { path: '(^|/)@opentelemetry/' }
    },
    {
      name: 'only-durability-speaks-kafka',
      comment: 'The Kafka client stays behind the Sink contract, and behind the topics of a fleet.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(durability/(kafka|search)|fleet/topics)/' },
      to: { path: '(^|/)@platformatic/kafka(/|$)' }
    },
    {
      name: 'nobody-imports-the-composition-root',
      comment:
        'src/app is for main.ts, start.js, the command line, tests and the load program; start.js starts main.ts.',
      severity: 'error',
      from: { path: '^(src|test|bench|scripts)/', pathNot: '^src/(app/|start\\.js$|main\\.ts$|cli/)|^(test|bench)/' },
      to: { path: '^src/(app/|main\\.ts$|start\\.js$)' }
    },
    {
      name: 'nobody-imports-the-command-line',
      comment: 'A command calls the folder that does the work; no folder calls a command.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' }
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
    exclude: { path: '^(\\.tap|data|src/debugger/page/assets)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] }
  }
}
