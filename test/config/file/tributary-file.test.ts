import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { EVENT_TYPES } from '../../../src/model/event-types.ts'
import { isConfigError } from '../../../src/model/config-error.ts'
import { MAX_TRIBUTARY_FILE_BYTES } from '../../../src/model/tributary-file.ts'
import { parseTributaryFile } from '../../../src/config/file/tributary-file.ts'
import schema from '../../../schemas/config.schema.json' with { type: 'json' }

function problemsOf(text: string): readonly string[] {
  try {
    parseTributaryFile(text, 'tributary.yml')
  } catch (error) {
    if (isConfigError(error)) return error.problems
    throw error
  }
  return []
}

const source = (rest: string): string => `sources:\n  - id: web\n    writeKeys: [wk_a]\n${rest}`
const destination = (rest: string): string => source(`destinations:\n  - name: A\n    topic: t\n${rest}`)

t.test('a complete file becomes sources, destinations and keys', async t => {
  const { file, writeKeys } = parseTributaryFile(
    `sources:
  - id: web
    name: Marketing site
    writeKeys: [wk_a, 'wk_b!~']
    enabled: false
    allowedOrigins: [https://example.com, "http://localhost:8080", capacitor://localhost]
    rateLimit: { eventsPerSecond: 500, requestsPerSecond: 0.5 }
    limits: { maxBatchBytes: 4300000, maxEventBytes: 4200000 }
    settingsFor: customer.io
  - id: ios
    writeKeys:
      - wk_c
destinations:
  - name: Amplitude
    topic: tributary.{source}.{type}
    sources: [web]
    types: [track, identify]
    events: { allow: [Order Completed], deny: [Debug] }
    sample: { rate: 0.25 }
  - name: Everything
    topic: all
    enabled: false
`,
    'tributary.yml'
  )
  const web = {
    id: 'web',
    name: 'Marketing site',
    enabled: false,
    allowedOrigins: ['https://example.com', 'http://localhost:8080', 'capacitor://localhost'],
    rateLimit: { eventsPerSecond: 500, requestsPerSecond: 0.5 },
    limits: { maxBatchBytes: 4_300_000, maxEventBytes: 4_200_000 },
    settingsFor: 'customer.io',
    privacy: undefined
  }
  const absent = {
    allowedOrigins: undefined,
    rateLimit: undefined,
    limits: undefined,
    settingsFor: undefined,
    privacy: undefined
  }
  const ios = { id: 'ios', name: 'ios', enabled: true, ...absent }
  t.strictSame(file.sources, [web, ios], 'a source contains no key, and name and enabled have their defaults')
  t.strictSame(file.destinations, [
    {
      name: 'Amplitude',
      topic: 'tributary.{source}.{type}',
      enabled: true,
      sources: ['web'],
      types: ['track', 'identify'],
      events: { allow: ['Order Completed'], deny: ['Debug'] },
      sample: { rate: 0.25 },
      consent: undefined
    },
    {
      name: 'Everything',
      topic: 'all',
      enabled: false,
      sources: undefined,
      types: undefined,
      events: undefined,
      sample: undefined,
      consent: undefined
    }
  ])
  t.strictSame([...writeKeys.keys()], ['wk_a', 'wk_b!~', 'wk_c'])
  t.equal(writeKeys.get('wk_c'), file.sources[1], 'a key returns the same object as the list of sources')
  for (const value of [file, file.sources, file.sources[0], file.sources[0]?.rateLimit, file.destinations[0]?.events]) {
    t.equal(Object.isFrozen(value), true)
  }
})

const BAD: [string, string, RegExp][] = [
  ['an empty file', '', /^tributary\.yml:1:1: the file is empty/],
  ['comments alone', '# nothing\n', /^tributary\.yml:1:1: the file is empty/],
  ['another thing than a map', '- a\n', /^tributary\.yml:1:1: expected a map/],
  ['no sources', 'destinations: []\n', /^tributary\.yml:1:1: sources is missing/],
  ['an empty value', 'sources:\n', /^tributary\.yml:1:9: sources: is empty; expected a list/],
  [
    'an empty list',
    'sources: []\n',
    /^tributary\.yml:1:10: sources: expected the sites, apps and servers .*at least one/
  ],
  ['broken syntax', 'sources: [\n', /^tributary\.yml:2:1: not valid YAML: /],
  ['a tab', 'sources:\n\t- id: a\n', /^tributary\.yml:2:1: not valid YAML: Tabs/],
  [
    'one key twice in a map',
    'sources: []\nsources: []\n',
    /^tributary\.yml:2:1: not valid YAML: Map keys must be unique/
  ],
  ['two documents', `${source('')}---\na: 1\n`, /^tributary\.yml:4:1: not valid YAML: .*multiple documents/],
  ['an unknown alias', 'sources:\n  - *a\n', /^tributary\.yml:2:5: not valid YAML: an alias/],
  [
    'an unknown key at the top',
    source('sorces: []\n'),
    /^tributary\.yml:4:1: "sorces" is not a known key here; did you mean sources\?/
  ],
  [
    'an unknown key of a source',
    source('    writekeys: []\n'),
    /^tributary\.yml:4:5: sources\[0\]: "writekeys" .*writeKeys\?/
  ],
  ['an unknown key near none', source('    colour: red\n'), /"colour" is not a known key here; known are id, name/],
  [
    'an id with a space',
    source('  - id: a b\n    writeKeys: [k]\n'),
    /^tributary\.yml:4:9: sources\[1\]\.id: expected 1 to 64 letters/
  ],
  ['an id of 65', source(`  - { id: ${'a'.repeat(65)}, writeKeys: [k] }\n`), /^tributary\.yml:4:11: sources\[1\]\.id/],
  [
    'an id that is a number',
    source('  - { id: 12, writeKeys: [k] }\n'),
    /^tributary\.yml:4:11: .*expected text; write it in quotes/
  ],
  [
    'an id twice',
    source('  - { id: web, writeKeys: [k] }\n'),
    /^tributary\.yml:4:11: sources\[1\]\.id: another source has this id \(sources\[0\]\.id\)/
  ],
  [
    'no keys',
    source('  - { id: a, writeKeys: [] }\n'),
    /^tributary\.yml:4:25: sources\[1\]\.writeKeys: expected at least one write key/
  ],
  [
    'a key of a wrong form',
    source('  - { id: a, writeKeys: ["a:b"] }\n'),
    /^tributary\.yml:4:26: sources\[1\]\.writeKeys\[0\]: expected 1 to 128 printable/
  ],
  [
    'a key of 129',
    source(`  - { id: a, writeKeys: [${'k'.repeat(129)}] }\n`),
    /^tributary\.yml:4:26: sources\[1\]\.writeKeys\[0\]/
  ],
  [
    'a key in two sources',
    source('  - { id: a, writeKeys: [k, wk_a] }\n'),
    /^tributary\.yml:4:29: sources\[1\]\.writeKeys\[1\]: this write key is in the file twice .*sources\[0\]\.writeKeys\[0\]/
  ],
  [
    'enabled as text',
    source('    enabled: "no"\n'),
    /^tributary\.yml:4:14: sources\[0\]\.enabled: expected true or false/
  ],
  [
    'an origin with a path',
    source('    allowedOrigins: [https://a.example/x]\n'),
    /^tributary\.yml:4:22: .*"https:\/\/a\.example"/
  ],
  ['an origin in capitals', source('    allowedOrigins: [HTTPS://A.example]\n'), /"https:\/\/a\.example"/],
  [
    'an origin with its default port',
    source('    allowedOrigins: [https://a.example:443]\n'),
    /"https:\/\/a\.example"/
  ],
  [
    'an origin without a scheme',
    source('    allowedOrigins: [a.example]\n'),
    /an origin is scheme:\/\/host\[:port\], in lower case, without a path$/
  ],
  ['an origin with a wildcard', source('    allowedOrigins: ["https://*.a.example"]\n'), /an origin is/],
  [
    'a rate of 0',
    source('    rateLimit: { eventsPerSecond: 0 }\n'),
    /^tributary\.yml:4:35: sources\[0\]\.rateLimit\.eventsPerSecond: expected more than 0/
  ],
  [
    'a rate limit without a rate',
    source('    rateLimit: {}\n'),
    /expected at least one of eventsPerSecond and requestsPerSecond/
  ],
  [
    'a limit of a source with a unit',
    source('    limits: { maxBatchBytes: 4MB }\n'),
    /sources\[0\]\.limits\.maxBatchBytes: expected integer/
  ],
  ['a limit of a source that is none', source('    limits: { maxBatchByte: 4 }\n'), /maxBatchByte/],
  [
    'settings for an SDK that nobody knows',
    source('    settingsFor: june\n'),
    /sources\[0\]\.settingsFor: .*segment, customer\.io/
  ],
  [
    'a destination twice',
    destination('  - { name: A, topic: u }\n'),
    /^tributary\.yml:7:13: destinations\[1\]\.name: another destination has this name/
  ],
  [
    'a destination named All',
    destination('  - { name: All, topic: u }\n'),
    /^tributary\.yml:7:13: .*every destination/
  ],
  [
    'an unknown source',
    destination('    sources: [wbe]\n'),
    /^tributary\.yml:7:15: destinations\[0\]\.sources\[0\]: no source has the id "wbe"; did you mean "web"\?/
  ],
  [
    'an unknown type',
    destination('    types: [Track]\n'),
    /^tributary\.yml:7:13: destinations\[0\]\.types\[0\]: expected one of identify, track/
  ],
  [
    'a bad placeholder',
    destination('  - { name: B, topic: "t.{event}" }\n'),
    /^tributary\.yml:7:23: destinations\[1\]\.topic: "\{event\}" is not a placeholder/
  ],
  ['a bad topic', destination('  - { name: B, topic: "t/x" }\n'), /a topic is made of letters/],
  [
    'an endless topic',
    destination(`  - { name: B, topic: "${'t'.repeat(242)}{type}" }\n`),
    /at most 249 characters; this one can grow to 250/
  ],
  [
    'a sample of 2',
    destination('    sample: { rate: 2 }\n'),
    /^tributary\.yml:7:21: destinations\[0\]\.sample\.rate: expected from 0/
  ],
  ['a sample without a rate', destination('    sample: {}\n'), /destinations\[0\]\.sample: rate is missing/],
  ['events without a list', destination('    events: {}\n'), /expected at least one of allow and deny/],
  [
    'an event twice',
    destination('    events: { allow: [A, A] }\n'),
    /destinations\[0\]\.events\.allow: expected .*none of them twice/
  ]
]

t.test('each mistake is reported with its line, its column and what is expected', async t => {
  for (const [name, text, message] of BAD) {
    const problems = problemsOf(text)
    t.equal(problems.length, 1, `${name} is reported as one problem`)
    t.match(problems[0], message, `the message for ${name} says where it is and what is expected`)
  }
})

t.test('all mistakes of a file are reported at once and in order, including those of the schema', async t => {
  const problems = problemsOf(`sources:
  - id: web
    writeKeys: [wk_a, wk_a]
    enabld: true
  - id: web
destinations:
  - name: A
    topic: "{x}"
    sample: { rate: -1 }
`)
  t.strictSame(
    problems.map(problem => problem.split(': ')[0]),
    [
      'tributary.yml:3:23',
      'tributary.yml:4:5',
      'tributary.yml:5:5',
      'tributary.yml:5:9',
      'tributary.yml:8:12',
      'tributary.yml:9:21'
    ]
  )
})

t.test('no message contains a write key, whatever is wrong', async t => {
  const secret = 'wk_Secret0123456789'
  const texts = [
    `sources:\n  - id: a\n    writeKeys: [${secret}, ${secret}]\n`,
    `sources:\n  - id: a\n    writeKeys: ${secret}\n`,
    `sources:\n  - id: a\n    writeKeys: ["${secret}:"]\n`,
    `sources:\n  - id: a\n    writeKeys:\n    ${secret}: 1\n`,
    `sources:\n  - id: a\n    writeKeys: [a]\n${secret}\n`,
    `sources:\n  - id: a\n    writeKeys: [a]]${secret}\n`,
    `sources:\n  - id: a\n    writeKeys: "${secret}\\q"\n`,
    `sources:\n  - id: a\n    writeKeys: "${secret}`,
    `sources:\n  - id: a\n    writeKeys: *${secret}\n`,
    `sources:\n  - id: a\n    writeKeys: | ${secret}\n`,
    `sources:\n  - id: a\n    writeKeys: [a]\n    ${secret}:\n`,
    `sources:\n  - id: a\n    writeKeys: !${secret}\n`,
    `%${secret}\n`,
    secret
  ]
  for (const text of texts) {
    const problems = problemsOf(text)
    t.ok(problems.length > 0, `there is a message for ${text}`)
    t.notMatch(problems.join('\n'), /Secret0123456789/)
  }
})

t.test('hostile files are refused in bounded time and with bounded messages', async t => {
  const lol = Array.from({ length: 12 }, (_, i) => `a${i}: &a${i} [${`*a${i - 1},`.repeat(i === 0 ? 0 : 9)}]`).join(
    '\n'
  )
  const texts = ['['.repeat(100_000), lol, 'a: b: c\n'.repeat(5000), `- ${'x'.repeat(MAX_TRIBUTARY_FILE_BYTES)}`]
  for (const text of texts) {
    const start = process.cpuUsage()
    const problems = problemsOf(text)
    t.ok(problems.length >= 1 && problems.length <= 101)
    t.ok(cpuMsSince(start) < 5000)
  }
})

t.test('other common forms are read: a byte order mark, CRLF, JSON, anchors, an empty destinations', async t => {
  const texts = [
    `\uFEFF${source('')}`,
    source('').replaceAll('\n', '\r\n'),
    '{"sources":[{"id":"web","writeKeys":["wk_a"]}]}',
    'sources:\n  - id: &id web\n    name: *id\n    writeKeys: [wk_a]\n',
    source('destinations:\n')
  ]
  for (const text of texts)
    t.equal(parseTributaryFile(text, 'f').writeKeys.get('wk_a')?.id, 'web', `the source is read from ${text}`)
})

t.test('a mistake behind an alias is reported at the position of the value', async t => {
  const problems = problemsOf('sources:\n  - &one\n    id: web\n    writeKeys: [a]\n  - *one\n')
  t.match(problems[0], /^tributary\.yml:\d+:\d+: sources\[1\]\.id: another source/)
})

/** The CPU time of the process, so that other work on the machine does not count. */
function cpuMsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

t.test('a thousand sources are read in less than half a second', async t => {
  const text = `sources:\n${Array.from({ length: 1000 }, (_, i) => `  - id: s${i}\n    writeKeys: [wk_${i}]\n`).join('')}`
  const start = process.cpuUsage()
  t.equal(parseTributaryFile(text, 'f').file.sources.length, 1000)
  const took = cpuMsSince(start)
  t.comment(`the file was read in ${took.toFixed(0)} ms`)
  t.ok(took < 2000)
})

t.test('the schema is a valid JSON Schema', async t => {
  const ajv = new Ajv2020()
  t.ok(ajv.validateSchema(schema), ajv.errorsText())
})

t.test('the schema knows the same event types as the model, and describes every key', async t => {
  t.strictSame(schema.$defs.destination.properties.types.items.enum, EVENT_TYPES)
  const { source, destination } = schema.$defs
  for (const properties of [schema.properties, source.properties, destination.properties]) {
    for (const [key, value] of Object.entries(properties))
      t.match(value.description, /\w{2}/, `${key} has a description`)
  }
})
