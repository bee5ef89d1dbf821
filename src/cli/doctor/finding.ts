import type { HardValueCount } from '../../model/reading/hard-value-report.ts'

/** One thing that the doctor has looked at. */
export interface Finding {
  /** `problem`: it does not work, or events can be lost. `warning`: it works, and could be better. */
  readonly level: 'ok' | 'note' | 'warning' | 'problem'
  readonly area:
    | 'configuration'
    | 'keys'
    | 'addresses'
    | 'OAuth'
    | 'CORS'
    | 'clock'
    | 'disk'
    | 'log'
    | 'Kafka'
    | 'topics'
    | 'server'
    | 'proxy'
  readonly says: string
  /** What to change; undefined where nothing has to be. */
  readonly todo?: string
  /** Of the area `log`: what and where, for programs. */
  readonly hardValue?: HardValueCount
}
