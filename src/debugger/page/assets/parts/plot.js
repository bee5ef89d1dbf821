import { wholeMinutes, wholeSeconds } from './format.js'
import { html, useEffect, useRef } from '../lib.js'
import uPlot from '../vendor/uplot.js'

const HEIGHT = 190
const FONT = '11px system-ui'

/** Lines over time. A summary in words stands beside it for those who do not see it. */
export function Plot({ title, times, series, unit, least = 1 }) {
  const box = useRef(null)
  const plot = useRef(null)
  const shape = series.map(({ name }) => name).join('\n')
  const data = [times, ...series.map(({ values }) => values)]

  useEffect(() => {
    const make = () => {
      plot.current?.destroy()
      plot.current = new uPlot(optionsFor({ series, unit, least, width: box.current.clientWidth }), data, box.current)
    }
    make()
    const element = box.current
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }))
    observer.observe(element)
    // Colours come from the style sheet, which follows the theme.
    const theme = matchMedia('(prefers-color-scheme: dark)')
    theme.addEventListener('change', make)
    const switched = new MutationObserver(make)
    switched.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    return () => {
      observer.disconnect()
      theme.removeEventListener('change', make)
      switched.disconnect()
      plot.current.destroy()
      plot.current = null
    }
  }, [shape])
  useEffect(() => plot.current?.setData(data), [times.length, times.at(-1)])

  const now = series.map(({ name, values }) => `${name} ${unit(values.at(-1) ?? 0)}`).join(', ')
  return html`<figure class="card plot">
    <figcaption>${title}<span class="visually-hidden">, now: ${now}</span></figcaption>
    <div ref=${box} aria-hidden="true"></div>
  </figure>`
}

function optionsFor({ series, unit, least, width }) {
  const color = createPalette()
  const inWords = value => (value === null || value === undefined ? '–' : unit(value))
  const axis = {
    stroke: color('quiet'),
    grid: { stroke: color('line'), width: 1 },
    ticks: { show: false },
    font: FONT
  }
  return {
    width,
    height: HEIGHT,
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    legend: { live: true },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(least, (high || 0) * 1.1)] } },
    axes: [
      { ...axis, space: 60, values: timesOfTicks },
      { ...axis, size: widthOfLabels, values: (_plot, ticks) => ticks.map(unit) }
    ],
    series: [
      { label: 'at', value: (_plot, at) => (at === null ? 'now' : wholeSeconds(at * 1000)) },
      ...series.map(({ name, color: line }) => ({
        label: name,
        stroke: color(line),
        width: 1.5,
        points: { show: false },
        // Without a cursor the legend says what is now.
        value: (plot, value, index, at) => inWords(at === null ? plot.data[index].at(-1) : value)
      }))
    ]
  }
}

const LEAST_AXIS_WIDTH = 62
/** Between the labels and the plot. */
const LABEL_GAP = 10
const ruler = document.createElement('canvas').getContext('2d')

/** An axis as wide as its widest label, so that none is cut. */
function widthOfLabels(_plot, labels) {
  ruler.font = FONT
  const widest = Math.max(0, ...(labels ?? []).map(label => ruler.measureText(label).width))
  return Math.max(LEAST_AXIS_WIDTH, Math.ceil(widest) + LABEL_GAP)
}

/** Seconds only where ticks are less than a minute apart. */
function timesOfTicks(_plot, ticks) {
  const isFine = ticks.length > 1 && ticks[1] - ticks[0] < 60
  return ticks.map(at => (isFine ? wholeSeconds(at * 1000) : wholeMinutes(at * 1000)))
}

/** A canvas needs colours that are worked out: an element that wears one knows it for the theme in force. */
function createPalette() {
  const wearer = document.createElement('i')
  wearer.hidden = true
  document.body.append(wearer)
  queueMicrotask(() => wearer.remove())
  return name => {
    wearer.style.color = `var(--${name})`
    return getComputedStyle(wearer).color
  }
}
