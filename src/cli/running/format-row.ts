import type { EventRow } from '../../debugger/ring/row.ts'
import { printable } from '../printable.ts'

/** An event; in a fleet with the server that took it. */
export type Row = EventRow & { readonly server?: string }

/** Formats an event as one line for people. */
export function formatRow({ server, receivedAt, outcome, code, type, name, user, source, messageId }: Row): string {
  const what = printable(name === '' ? type : `${type} "${name}"`)
  const why = code === null ? '' : `  ${code}`
  const where = server === undefined ? '' : `${printable(server)}  `
  return `${receivedAt.slice(11, 23)}  ${where}${outcome.padEnd(12)}  ${what}${why}  user ${printable(user) || '-'}  ${source}  ${printable(messageId)}`
}
