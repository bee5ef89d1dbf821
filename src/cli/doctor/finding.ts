import type { HardValueCount } from '../../model/reading/hard-value-report.ts'

/** The result of one check. */
export interface Finding {
  /** `problem`: it does not work, or events can be lost. `warning`: it works, but should be changed. */
  readonly level: 'ok' | 'note' | 'warning' | 'problem'
  readonly area:
    | 'configuration'
    | 'keys'
    | 'addresses'
    | 'OAuth'
    | 'CORS'
    | 'clock'
    | 'disk'
    | 'archive'
    | 'log'
    | 'Kafka'
    | 'topics'
    | 'server'
    | 'proxy'
  readonly says: string
  /** What to change; undefined if nothing needs to change. */
  readonly todo?: string
  /** For findings of the area `log`: the value and its place, for programs. */
  readonly hardValue?: HardValueCount
}
