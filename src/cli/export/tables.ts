import { createHash } from 'node:crypto'
import type { Plan } from '../../governance/plans/plan.ts'
import type { Cell, Column, PlannedProperty, TablePart } from './columns.ts'
import { COMMON_COLUMNS, plannedColumn } from './columns.ts'
import type { EventLine } from './event-line.ts'

/** The most tables. Events with further names share the table `others`. */
const MAX_TABLES = 1_000
const MAX_NAME_CHARS = 60
const MAX_KEY_CHARS = 200
const OTHERS = 'others'
const ALL = 'events'

/** How an export turns events into tables: which table each event belongs to, and its columns. */
export interface TablesOptions {
  readonly byEvent: boolean
  readonly plan: Plan | undefined
  /** CSV: every value in the form in which it was sent. */
  readonly isUntyped: boolean
  /** The names of tables by event. New ones are added. */
  readonly names: Record<string, string>
}

export interface FilledTable {
  readonly name: string
  readonly part: TablePart
}

interface OpenTable extends TablePart {
  readonly cells: Cell[][]
  readonly lines: Buffer[]
}

/** The rows of one step of an export, in memory. */
export class Tables {
  rows = 0
  /** Values that did not fit the type of their column: they are in the JSON text beside it. */
  unfit = 0
  readonly #options: TablesOptions
  readonly #open = new Map<string, OpenTable>()

  constructor(options: TablesOptions) {
    this.#options = options
  }

  add(event: EventLine): void {
    const table = this.#tableOf(event)
    for (const [at, column] of table.columns.entries()) {
      const cell = column.cell(event)
      if (cell === undefined) this.unfit++
      table.cells[at]?.push(cell ?? null)
    }
    table.lines.push(event.bytes)
    this.rows++
  }

  filled(): readonly FilledTable[] {
    return [...this.#open].map(([name, part]) => ({ name, part }))
  }

  #tableOf({ value }: EventLine): OpenTable {
    const { byEvent, names } = this.#options
    const type = value['type'] as string
    const event = type === 'track' && typeof value['event'] === 'string' ? value['event'] : ''
    const table = byEvent ? tableName(names, `${type} ${event}`.trimEnd()) : ALL
    let open = this.#open.get(table)
    if (open === undefined) {
      const planned = byEvent && table !== OTHERS ? this.#plannedColumns(type, event) : []
      const columns = [...COMMON_COLUMNS, ...planned]
      open = { columns, cells: columns.map(() => []), lines: [] }
      this.#open.set(table, open)
    }
    return open
  }

  /** The columns of all versions of the event. A property with different types in them is text. */
  #plannedColumns(type: string, event: string): Column[] {
    const { plan, isUntyped } = this.#options
    const rules = (plan?.rules ?? []).filter(one => one.type === type && (type !== 'track' || one.event === event))
    const properties = new Map<string, PlannedProperty>()
    for (const property of rules.flatMap(({ schema }) => propertiesOf(schema))) {
      const id = `${property.payload} ${property.key}`
      const known = properties.get(id)
      const isSame = known === undefined || known.type === property.type
      properties.set(id, isSame && !isUntyped ? property : { ...property, type: 'text' })
    }
    // Query engines ignore the case of names.
    const taken = new Set(COMMON_COLUMNS.map(({ name }) => name))
    return [...properties.values()].map(property => {
      const wanted = `${property.payload}_${property.key.replaceAll(/[^\p{L}\p{N}]+/gu, '_')}`
      const name = unused(wanted, candidate => taken.has(candidate.toLowerCase()))
      taken.add(name.toLowerCase())
      return plannedColumn(name, property)
    })
  }
}

/** The members of `properties` and `traits` that a rule's schema describes. */
function propertiesOf(schema: unknown): PlannedProperty[] {
  return (['properties', 'traits'] as const).flatMap(payload => {
    const members = member(member(member(schema, 'properties'), payload), 'properties')
    if (typeof members !== 'object' || members === null) return []
    return Object.entries(members).map(([key, described]) => ({
      payload,
      key,
      type: typeOf(member(described, 'type'))
    }))
  })
}

function member(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Record<string, unknown>)[key]
}

/** Null beside a type changes nothing, because every column may lack a value. */
function typeOf(type: unknown): PlannedProperty['type'] {
  const [only, second] = (Array.isArray(type) ? (type as unknown[]) : [type]).filter(one => one !== 'null')
  const isTyped = only === 'integer' || only === 'number' || only === 'boolean'
  return isTyped && second === undefined ? only : 'text'
}

/** The name of a folder: always the same for one event, and different for each event. */
function tableName(names: Record<string, string>, event: string): string {
  const key = event.length <= MAX_KEY_CHARS ? event : createHash('sha256').update(event).digest('hex')
  if (Object.hasOwn(names, key)) return names[key] as string
  const taken = new Set(Object.values(names))
  if (taken.size >= MAX_TABLES) return OTHERS
  const words =
    event
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  const wanted = words.join('_').slice(0, MAX_NAME_CHARS).toWellFormed()
  const name = unused(wanted, candidate => taken.has(candidate) || candidate === OTHERS)
  names[key] = name
  return name
}

function unused(wanted: string, isTaken: (name: string) => boolean): string {
  for (let number = 2, name = wanted; ; name = `${wanted}_${number++}`) if (!isTaken(name)) return name
}
