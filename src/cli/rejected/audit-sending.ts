import { hideUrlSecrets } from '../../model/operations/hide-url-secrets.ts'
import { auditCommand } from '../audited.ts'
import type { Sender } from './rejected-send.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface SendingAudit {
  /** Audits what was sent before the command failed. */
  cutShort(reason: string): void
  /** Audits what was sent. */
  done(): void
}

/** Audits once what a command sends to `url`, also if a signal ends the command. Call done() or cutShort() at its end. */
export function auditSending({ counts }: Sender, url: string): SendingAudit {
  const server = hideUrlSecrets(url)

  function onSignal(signal: NodeJS.Signals): void {
    cutShort(signal)
    // Ends the process as if nobody had handled the signal.
    process.kill(process.pid, signal)
  }

  function release(): void {
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }

  function cutShort(reason: string): void {
    release()
    const { answered, unanswered } = counts
    if (answered + unanswered === 0) return
    const open = unanswered === 0 ? '' : `, and ${unanswered} whose answer did not arrive`
    auditCommand('retry', `${answered} rejected events sent again to ${server}${open}; cut short: ${reason}`)
  }

  for (const signal of SIGNALS) process.on(signal, onSignal)
  return {
    cutShort,
    done() {
      release()
      auditCommand('retry', `${counts.answered} rejected events sent again to ${server}`)
    }
  }
}
