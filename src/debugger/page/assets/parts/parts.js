/** Small elements that every page uses. */
import { html, useEffect, useState } from '../lib.js'

const OUTCOME_WORDS = {
  accepted: 'accepted',
  duplicate: 'duplicate',
  rejected: 'rejected',
  rate_limited: 'rate limited',
  failed: 'failed',
  filtered: 'filtered',
  suppressed: 'suppressed'
}

export const OUTCOMES = Object.keys(OUTCOME_WORDS)
export const TYPES = ['track', 'identify', 'page', 'screen', 'group', 'alias']

export function Outcome({ outcome }) {
  return html`<span class="outcome ${outcome}">${OUTCOME_WORDS[outcome] ?? outcome}</span>`
}

/** Copies a text, or the result of an async function, and shows whether it worked. */
export function CopyButton({ text, label = 'Copy' }) {
  const [status, setStatus] = useState('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === 'function' ? await text() : text)
      setStatus('Copied')
    } catch {
      setStatus('Not possible here')
    }
    setTimeout(() => setStatus(''), 1500)
  }
  return html`<button class="small" type="button" onClick=${copy}>
    <span aria-live="polite">${status || label}</span>
  </button>`
}

/** Loads a value now, and again at each interval while the page is visible. Returns the value and the last problem. */
export function usePolling(load, intervalMs) {
  const [value, setValue] = useState(undefined)
  const [problem, setProblem] = useState('')
  useEffect(() => {
    let isMounted = true
    const run = async () => {
      if (document.hidden) return
      try {
        const next = await load()
        if (isMounted) setValue(next)
        if (isMounted) setProblem('')
      } catch (error) {
        if (isMounted) setProblem(error.message)
      }
    }
    void run()
    const timer = setInterval(() => void run(), intervalMs)
    return () => {
      isMounted = false
      clearInterval(timer)
    }
  }, [])
  return [value, problem]
}

export function Problem({ message }) {
  return message ? html`<p class="problem" role="alert">${message}</p>` : null
}

export function Empty({ children }) {
  return html`<p class="empty">${children}</p>`
}
