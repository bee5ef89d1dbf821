/** Times have one form everywhere: 24 hours, in the reader's time zone. Dates are ISO 8601. */
const CLOCK = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23'
})
const NUMBER = new Intl.NumberFormat('en')

export const clock = at => CLOCK.format(new Date(at))
/** The time without milliseconds. */
export const wholeSeconds = at => clock(at).slice(0, 8)
export const wholeMinutes = at => clock(at).slice(0, 5)
export const number = value => NUMBER.format(value)

/** `3 s ago`, `2 min ago`, `5 h ago`; otherwise the date. */
export function ago(at, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - new Date(at).getTime()) / 1000))
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  const date = new Date(at)
  const digits = value => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${digits(date.getMonth() + 1)}-${digits(date.getDate())} ${wholeSeconds(at)}`
}

export function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let at = 0
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024
    at++
  }
  return `${value < 10 && at > 0 ? value.toFixed(1) : Math.round(value)} ${units[at]}`
}

export function rate(value) {
  if (value === 0) return '0'
  return value < 10 ? value.toFixed(1) : number(Math.round(value))
}

/** A part of a whole in percent. Only the whole is `100 %`, and only nothing is `0 %`. */
export function share(part, whole) {
  if (whole === 0) return '–'
  if (part === whole || part === 0) return part === 0 ? '0 %' : '100 %'
  return `${Math.min(99, Math.max(1, Math.round((part / whole) * 100)))} %`
}

/** The place of a stored record, as text. */
export function describePlace({ store, topic, partition, offset, file, position, line }) {
  if (store === 'kafka') return `topic ${topic}, partition ${partition}, offset ${offset ?? 'unknown'}`
  if (store === 'memory') return 'memory only'
  const where = line ? `, line ${line}` : position === undefined ? '' : `, byte ${position}`
  if (store === 'archive') return `${file} of the archive${where} when decompressed`
  if (file?.endsWith('refused.jsonl')) return `${file}${where} (Kafka refuses it: see tributary refused list)`
  return `${file}${where}${store === 'spool' ? ' (the spool: Kafka gets it from there, or has it already)' : ''}`
}
