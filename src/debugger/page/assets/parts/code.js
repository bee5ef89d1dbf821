/** Code and JSON as elements: each token a span of text, so that nothing in a payload can become markup. */
import { html } from '../lib.js'

const TOKENS =
  /("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\b|([A-Za-z_$][\w$]*)(?=\s*:)/g
/** Beyond this, colours would cost more than they help. */
const MAX_COLOURED_CHARS = 40_000

export function Code({ text, label }) {
  return html`<pre class="code" tabindex="0" aria-label=${label}><code>${coloured(text)}</code></pre>`
}

function coloured(text) {
  if (text.length > MAX_COLOURED_CHARS) return text
  const parts = []
  let at = 0
  for (const match of text.matchAll(TOKENS)) {
    const [whole, string, colon, word, digits, name] = match
    if (match.index > at) parts.push(text.slice(at, match.index))
    if (string !== undefined)
      parts.push(html`<span class=${colon === undefined ? 't-string' : 't-key'}>${string}</span>`, colon)
    else if (word !== undefined) parts.push(html`<span class="t-word">${word}</span>`)
    else if (digits !== undefined) parts.push(html`<span class="t-number">${digits}</span>`)
    else parts.push(html`<span class="t-key">${name}</span>`)
    at = match.index + whole.length
  }
  parts.push(text.slice(at))
  return parts
}

/** JSON with line breaks, made from the text itself, so that no number is rounded; what is not JSON stays as it is. */
export function indented(json) {
  try {
    JSON.parse(json)
  } catch {
    return json
  }
  let out = ''
  let depth = 0
  const line = () => `\n${'  '.repeat(depth)}`
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (token === '{' || token === '[') {
      depth++
      out += token + line()
    } else if (token === '}' || token === ']') {
      depth--
      out = /[{[]\s*$/.test(out) ? out.trimEnd() + token : out + line() + token
    } else if (token === ',') out += token + line()
    else if (token === ':') out += ': '
    else out += token
  }
  return out
}

/** What a program says itself and SDKs do not add by themselves, in the order of the documentation. */
const FIELDS = [
  'userId',
  'anonymousId',
  'previousId',
  'groupId',
  'event',
  'category',
  'name',
  'properties',
  'traits',
  'integrations',
  'timestamp',
  'originalTimestamp'
]

/** The event as the call of an SDK that would send it. */
export function sdkCall(type, event) {
  const shown = {}
  for (const field of FIELDS) if (event?.[field] !== undefined && event[field] !== null) shown[field] = event[field]
  if (shown.originalTimestamp !== undefined) shown.timestamp = shown.originalTimestamp
  delete shown.originalTimestamp
  const { library: _library, ip: _ip, ...context } = event?.context ?? {}
  if (Object.keys(context).length > 0) shown.context = context
  return `analytics.${type}(${literal(shown, 0)})`
}

function literal(value, depth) {
  if (typeof value === 'string')
    return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const pad = '  '.repeat(depth + 1)
  const items = Array.isArray(value)
    ? value.map(item => pad + literal(item, depth + 1))
    : Object.entries(value).map(([key, item]) => `${pad}${name(key)}: ${literal(item, depth + 1)}`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return items.length === 0 ? open + close : `${open}\n${items.join(',\n')}\n${'  '.repeat(depth)}${close}`
}

const name = key => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : literal(key, 0))

/** What changes from one run of a test to the next. */
const CHANGING = ['userId', 'anonymousId', 'previousId', 'groupId', 'integrations', 'timestamp', 'originalTimestamp']

/** The event as a test of Playwright, Jest or Vitest asks for it, with the collector of examples/collector. */
export function testAssertion(type, event) {
  const shown = { type }
  for (const field of FIELDS) if (event[field] != null && !CHANGING.includes(field)) shown[field] = event[field]
  const name = type === 'track' ? event.event : event.name
  const wanted = literal(shown, 0)
  return typeof name === 'string' && name !== ''
    ? `const [event] = await collector.expectEvents(${literal(name, 0)})\nexpect(event).toMatchObject(${wanted})`
    : `const events = await collector.expectEvents('*')\nexpect(events).toContainEqual(expect.objectContaining(${wanted}))`
}

/** The event as a line for a shell, with its own bytes; the key is whatever WRITE_KEY holds there. */
export function curlCall({ type, received }, url) {
  const body = received.replaceAll("'", `'\\''`)
  return `curl -u "$WRITE_KEY:" -H 'content-type: application/json' ${url}/v1/${type === 'unknown' ? 'track' : type} -d '${body}'`
}
