import type { EventRow } from '../../debugger/ring/row.ts'
import { printable } from '../printable.ts'

/** Formats an event as one line for people. */
export function formatRow({ receivedAt, outcome, code, type, name, user, source, messageId }: EventRow): string {
  const what = printable(name === '' ? type : `${type} "${name}"`)
  const why = code === null ? '' : `  ${code}`
  return `${receivedAt.slice(11, 23)}  ${outcome.padEnd(12)}  ${what}${why}  user ${printable(user) || '-'}  ${source}  ${printable(messageId)}`
}
