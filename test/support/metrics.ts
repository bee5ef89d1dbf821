/** One sample of a metrics page. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Reads /metrics of a server's admin listener. */
export async function readMetrics(adminUrl: string): Promise<readonly Sample[]> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  return text.split('\n').flatMap(line => {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (match === null) return []
    const labels = [...(match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value])
    return [{ name: match[1] as string, labels: Object.fromEntries(labels), value: Number(match[3]) }]
  })
}

/** The sum of the samples of a name whose labels match. */
export function sumOf(samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number {
  return samples
    .filter(
      sample => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value)
    )
    .reduce((sum, { value }) => sum + value, 0)
}
