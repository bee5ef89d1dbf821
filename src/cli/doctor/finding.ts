/** One thing that the doctor has looked at. */
export interface Finding {
  /** `problem`: it does not work, or events can be lost. `warning`: it works, and could be better. */
  readonly level: 'ok' | 'note' | 'warning' | 'problem'
  readonly area: 'configuration' | 'keys' | 'addresses' | 'CORS' | 'clock' | 'disk' | 'Kafka' | 'topics' | 'server'
  readonly says: string
  /** What to change; undefined where nothing has to be. */
  readonly todo?: string
}
