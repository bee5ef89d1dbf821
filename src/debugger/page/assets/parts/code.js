/** Shows code and JSON. Each token becomes a text element, so that nothing in a payload can become markup. */
import { html } from '../lib.js'

const TOKENS =
  /("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\b|([A-Za-z_$][\w$]*)(?=\s*:)/g
/** Longer texts are shown without colours, because many elements slow the page down. */
const MAX_COLOURED_CHARS = 40_000

export function Code({ text, label }) {
  return html`<pre class="code" tabindex="0" aria-label=${label}><code>${highlight(text)}</code></pre>`
}

function highlight(text) {
  if (text.length > MAX_COLOURED_CHARS) return text
  const parts = []
  let end = 0
  for (const match of text.matchAll(TOKENS)) {
    const [whole, string, colon, word, digits, name] = match
    if (match.index > end) parts.push(text.slice(end, match.index))
    if (string !== undefined)
      parts.push(html`<span class=${colon === undefined ? 't-string' : 't-key'}>${string}</span>`, colon)
    else if (word !== undefined) parts.push(html`<span class="t-word">${word}</span>`)
    else if (digits !== undefined) parts.push(html`<span class="t-number">${digits}</span>`)
    else parts.push(html`<span class="t-key">${name}</span>`)
    end = match.index + whole.length
  }
  parts.push(text.slice(end))
  return parts
}

/**
 * Adds line breaks to JSON. Works on the text, so that no number is rounded. Returns text that is not JSON unchanged.
 */
export function formatJson(json) {
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

/** The fields that a program sets and an SDK does not add by itself, in the order of the documentation. */
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

/** The code that sends the event through an SDK. */
export function sdkCall(type, event) {
  const fields = {}
  for (const field of FIELDS) if (event?.[field] !== undefined && event[field] !== null) fields[field] = event[field]
  if (fields.originalTimestamp !== undefined) fields.timestamp = fields.originalTimestamp
  delete fields.originalTimestamp
  const { library: _library, ip: _ip, ...context } = event?.context ?? {}
  if (Object.keys(context).length > 0) fields.context = context
  return `analytics.${type}(${literal(fields, 0)})`
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

/** Fields whose values differ from one run of a test to the next. */
const VOLATILE_FIELDS = [
  'userId',
  'anonymousId',
  'previousId',
  'groupId',
  'integrations',
  'timestamp',
  'originalTimestamp'
]

/** The event as an assertion for Playwright, Jest or Vitest, with the collector of examples/collector. */
export function testAssertion(type, event) {
  const fields = { type }
  for (const field of FIELDS) if (event[field] != null && !VOLATILE_FIELDS.includes(field)) fields[field] = event[field]
  const name = type === 'track' ? event.event : event.name
  const expected = literal(fields, 0)
  return typeof name === 'string' && name !== ''
    ? `const [event] = await collector.expectEvents(${literal(name, 0)})\nexpect(event).toMatchObject(${expected})`
    : `const events = await collector.expectEvents('*')\nexpect(events).toContainEqual(expect.objectContaining(${expected}))`
}

/** A curl command that sends the event's own bytes. It takes the write key from the variable WRITE_KEY. */
export function curlCall({ type, received }, url) {
  const body = received.replaceAll("'", `'\\''`)
  return `curl -u "$WRITE_KEY:" -H 'content-type: application/json' ${url}/v1/${type === 'unknown' ? 'track' : type} -d '${body}'`
}
