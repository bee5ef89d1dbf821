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

/** Copies a text, or what an async function gives, and says so. */
export function CopyButton({ text, label = 'Copy' }) {
  const [said, say] = useState('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === 'function' ? await text() : text)
      say('Copied')
    } catch {
      say('Not possible here')
    }
    setTimeout(() => say(''), 1500)
  }
  return html`<button class="small" type="button" onClick=${copy}>
    <span aria-live="polite">${said || label}</span>
  </button>`
}

/** Asks now, and again every `everyMs`, while the page is looked at. */
export function usePolling(load, everyMs) {
  const [value, setValue] = useState(undefined)
  const [problem, setProblem] = useState('')
  useEffect(() => {
    let alive = true
    const run = async () => {
      if (document.hidden) return
      try {
        const next = await load()
        if (alive) setValue(next)
        if (alive) setProblem('')
      } catch (error) {
        if (alive) setProblem(error.message)
      }
    }
    void run()
    const timer = setInterval(() => void run(), everyMs)
    return () => {
      alive = false
      clearInterval(timer)
    }
  }, [])
  return [value, problem]
}

export function Problem({ says }) {
  return says ? html`<p class="problem" role="alert">${says}</p>` : null
}

export function Empty({ children }) {
  return html`<p class="empty">${children}</p>`
}
