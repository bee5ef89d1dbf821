export interface Progress {
  /** @param records the number of records so far */
  add(bytes: number, records: number): void
  end(): void
}

const WIDTH = 30
/** The interval on a terminal, where the bar is redrawn in place. Elsewhere a line is written less often. */
const TERMINAL_MS = 100
const FILE_MS = 10_000

/** Shows the progress of a long task on standard error. */
export function createProgress({ total, note }: { readonly total: number; note(text: string): void }): Progress {
  const isTerminal = process.stderr.isTTY
  const start = performance.now()
  let done = 0
  let count = 0
  let last = start

  function line(): string {
    const share = total === 0 ? 1 : Math.min(1, done / total)
    const filled = Math.round(share * WIDTH)
    const seconds = (performance.now() - start) / 1000
    const rate = Math.round(count / Math.max(seconds, 0.001))
    const left = share > 0 ? Math.round(seconds / share - seconds) : 0
    const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`
    return `${bar} ${(share * 100).toFixed(0).padStart(3)} %  ${count} records, ${rate} a second, ${left} s left`
  }

  function show(): void {
    if (isTerminal) process.stderr.write(`\r\u001b[K${line()}`)
    else note(line())
  }

  return {
    add(bytes, records) {
      done += bytes
      count = records
      if (performance.now() - last < (isTerminal ? TERMINAL_MS : FILE_MS)) return
      last = performance.now()
      show()
    },
    end() {
      show()
      if (isTerminal) process.stderr.write('\n')
    }
  }
}
