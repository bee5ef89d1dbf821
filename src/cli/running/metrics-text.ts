export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([-+]?[\d.]\S*|[-+]Inf|NaN)/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g

/** Parses the samples of Prometheus' text format, version 0.0.4. */
export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = LINE.exec(line) ?? []
    if (name === undefined || value === undefined) continue
    const pairs = [...labels.matchAll(LABEL)].map(([, key = '', spelled = '']) => [key, unescaped(spelled)])
    samples.push({ name, labels: Object.fromEntries(pairs) as Sample['labels'], value: numberOf(value) })
  }
  return samples
}

function unescaped(spelled: string): string {
  return spelled.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
}

function numberOf(text: string): number {
  if (text === '+Inf') return Infinity
  return text === '-Inf' ? -Infinity : Number(text)
}
