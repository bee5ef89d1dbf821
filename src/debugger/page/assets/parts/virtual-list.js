import { html, useEffect, useLayoutEffect, useRef, useState } from '../lib.js'

export const ROW_HEIGHT = 30
/** Rows that are drawn above and below the visible ones, so that fast scrolling shows no gaps. */
const MARGIN_ROWS = 8

/**
 * A list of any length. Only the visible rows are elements. `rowAt(index)` returns the element of a row; row 0 is the
 * top one. `anchor` counts the rows that were ever added at the top. While `follow` is off, the view stays at the rows
 * that it shows.
 */
export function VirtualList({ count, rowAt, anchor, follow, onFollow, selected, onSelect, onEnd, label }) {
  const box = useRef(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(600)
  const lastAnchor = useRef(anchor)

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setHeight(entry.contentRect.height))
    observer.observe(box.current)
    return () => observer.disconnect()
  }, [])

  useLayoutEffect(() => {
    const added = anchor - lastAnchor.current
    lastAnchor.current = anchor
    if (follow) box.current.scrollTop = 0
    else if (added > 0) box.current.scrollTop += added * ROW_HEIGHT
  }, [anchor, follow])

  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current
    setTop(scrollTop)
    if (follow && scrollTop > ROW_HEIGHT) onFollow(false)
    if (scrollTop + clientHeight > scrollHeight - ROW_HEIGHT * 4) onEnd()
  }
  const reveal = index => {
    const { scrollTop, clientHeight } = box.current
    if (index * ROW_HEIGHT < scrollTop) box.current.scrollTop = index * ROW_HEIGHT
    else if ((index + 1) * ROW_HEIGHT > scrollTop + clientHeight)
      box.current.scrollTop = (index + 1) * ROW_HEIGHT - clientHeight
  }
  const onKeyDown = event => {
    const page = Math.floor(height / ROW_HEIGHT)
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -count, End: count }
    const step = steps[event.key]
    if (step === undefined || count === 0) return
    event.preventDefault()
    const next = Math.min(count - 1, Math.max(0, (selected < 0 ? -1 : selected) + step))
    onSelect(next)
    reveal(next)
  }

  const first = Math.max(0, Math.floor(top / ROW_HEIGHT) - MARGIN_ROWS)
  const last = Math.min(count, Math.ceil((top + height) / ROW_HEIGHT) + MARGIN_ROWS)
  const rows = Array.from({ length: Math.max(0, last - first) }, (_, index) => rowAt(first + index))
  return html`<div
    class="list"
    role="listbox"
    tabindex="0"
    aria-label=${label}
    aria-activedescendant=${selected >= 0 ? 'selected-row' : undefined}
    ref=${box}
    onScroll=${onScroll}
    onKeyDown=${onKeyDown}
  >
    <div class="list-space" style=${{ height: `${count * ROW_HEIGHT}px` }}>
      <div class="list-rows" style=${{ transform: `translateY(${first * ROW_HEIGHT}px)` }}>${rows}</div>
    </div>
  </div>`
}
