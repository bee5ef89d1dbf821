/** The frame of the page: navigation, search and theme. */
import { ask } from './api.js'
import { html, render, useEffect, useRef, useState } from './lib.js'
import { Audit } from './views/audit.js'
import { Catalogue } from './views/catalogue.js'
import { Fleet } from './views/fleet.js'
import { Live } from './views/live.js'
import { Overview } from './views/overview.js'
import { usePolling } from './parts/parts.js'
import { KeySheet } from './parts/keys.js'
import { routeHash, PAGES, parseRoute } from './parts/route.js'
import { Rejections } from './views/rejections.js'
import { Sources } from './views/sources.js'
import { Trace } from './views/trace.js'
import { Violations } from './views/violations.js'

function App() {
  const [route, setRoute] = useState(() => parseRoute(location.hash))
  const { page, messageId, filters, seq } = route
  const live = useRef('#/live')
  if (page === 'live') live.current = routeHash(route)
  /** How many overviews in a row said that the other servers are not heard; the first one counts twice. */
  const unheard = useRef(1)
  const [overview] = usePolling(async () => {
    const loaded = await ask(`/api/overview?since=${Date.now()}`)
    unheard.current = loaded.showsFleet === false ? unheard.current + 1 : 0
    return loaded
  }, 5000)
  const isAlone = overview?.showsFleet !== undefined && unheard.current > 1
  const [sources] = usePolling(() => ask('/api/sources'), 15_000)
  useEffect(() => {
    const onHash = () => setRoute(parseRoute(location.hash))
    addEventListener('hashchange', onHash)
    return () => removeEventListener('hashchange', onHash)
  }, [])
  useEffect(() => {
    document.title = page === 'trace' ? 'Trace · Tributary' : `${PAGES[page]} · Tributary`
  }, [page])
  const showStream = value => {
    location.hash = routeHash({ page: 'live', filters: value })
  }
  /** Keeps the address in step with what is shown. The back button leaves the page, and does not undo filters. */
  const change = changes =>
    setRoute(before => {
      const next = { ...before, ...changes }
      history.replaceState(null, '', routeHash(next))
      return next
    })
  const skip = event => {
    event.preventDefault()
    document.getElementById('main').focus()
  }
  const worst = overview?.advice.find(({ level }) => level === 'error') ?? overview?.advice[0]
  return html` <a class="skip" href="#main" onClick=${skip}>Skip to content</a>
    <header class="top">
      <a class="brand" href="#/live"><img src="/assets/favicon.svg" alt="" width="22" height="22" /> Tributary</a>
      <${Navigation} page=${page} isFleet=${overview?.isFleet} liveAddress=${live.current} />
      <${Search} value=${page === 'trace' ? messageId : ''} />
      <${Theme} />
      <${KeySheet} />
      ${overview?.hasPassword && html`<form method="post" action="/logout"><button class="small" type="submit">Log out</button></form>`}
    </header>
    ${worst && page !== 'overview' && html`<a class="strip ${worst.level}" href=${`#/${worst.page ?? 'overview'}`} role=${worst.level === 'error' ? 'alert' : 'status'}>${worst.says}</a>`}
    <main id="main" tabindex="-1">
      ${page === 'live' && html`<${Live} sources=${sources?.sources.map(({ id }) => id) ?? []} trackingUrl=${sources?.trackingUrl} scope=${overview && (overview.showsFleet === undefined || isAlone ? '' : 'fleet')} isAlone=${isAlone} filters=${filters} setFilters=${value => change({ filters: value })} selected=${seq} select=${value => change({ seq: value })} />`}
      ${page === 'rejections' && html`<${Rejections} showStream=${showStream} />`}
      ${page === 'violations' && html`<${Violations} />`} ${page === 'catalogue' && html`<${Catalogue} />`}
      ${page === 'overview' && html`<${Overview} />`}
      ${page === 'sources' && html`<${Sources} showStream=${showStream} isFleet=${overview?.isFleet} />`}
      ${page === 'fleet' && html`<${Fleet} />`} ${page === 'audit' && html`<${Audit} />`}
      ${page === 'trace' && html`<${Trace} messageId=${messageId} />`}
    </main>`
}

/** Links to the pages. In a narrow window they scroll sideways, and the current one is brought into view. */
function Navigation({ page, isFleet, liveAddress }) {
  const current = useRef(null)
  useEffect(() => current.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' }), [page, isFleet])
  const pages = Object.entries(PAGES).filter(([id]) => id !== 'fleet' || isFleet)
  return html`<nav aria-label="Pages">
    ${pages.map(([id, name]) => {
      const isCurrent = id === page
      const address = id === 'live' ? liveAddress : `#/${id}`
      return html`<a
        href=${address}
        ref=${isCurrent ? current : undefined}
        aria-current=${isCurrent ? 'page' : undefined}
        >${name}</a
      >`
    })}
  </nav>`
}

function Search({ value }) {
  const input = useRef(null)
  useEffect(() => {
    const onKey = event => {
      if (event.key !== '/' || event.target.closest('input, select, textarea, dialog')) return
      event.preventDefault()
      input.current.focus()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
  const onSubmit = event => {
    event.preventDefault()
    const query = input.current.value.trim().toWellFormed()
    if (query !== '') location.hash = `#/trace/${encodeURIComponent(query)}`
  }
  return html`<form class="search" role="search" onSubmit=${onSubmit}>
    <input
      ref=${input}
      type="search"
      aria-label="Find an event by its messageId"
      placeholder="Find a messageId   /"
      defaultValue=${value}
      spellcheck="false"
      autocomplete="off"
    />
  </form>`
}

const THEMES = { auto: 'Auto', light: 'Light', dark: 'Dark' }

function Theme() {
  const [theme, setTheme] = useState(localStorage.getItem('theme') ?? 'auto')
  useEffect(() => {
    localStorage.setItem('theme', theme)
    if (theme === 'auto') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme
  }, [theme])
  return html`<select class="theme" aria-label="Theme" value=${theme} onChange=${event => setTheme(event.target.value)}>
    ${Object.entries(THEMES).map(([id, name]) => html`<option value=${id}>${name}</option>`)}
  </select>`
}

const root = document.getElementById('app')
root.replaceChildren()
render(html`<${App} />`, root)
