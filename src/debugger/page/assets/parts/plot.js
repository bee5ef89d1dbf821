import { wholeMinutes, wholeSeconds } from './format.js'
import { html, useEffect, useRef } from '../lib.js'
import uPlot from '../vendor/uplot.js'

const HEIGHT = 190
const FONT = '11px system-ui'

/** Lines over time. The caption contains a summary for screen readers. */
export function Plot({ title, times, series, format, minTop = 1 }) {
  const box = useRef(null)
  const plot = useRef(null)
  const seriesKey = series.map(({ name }) => name).join('\n')
  const data = [times, ...series.map(({ values }) => values)]

  useEffect(() => {
    const make = () => {
      plot.current?.destroy()
      plot.current = new uPlot(
        optionsFor({ series, format, minTop, width: box.current.clientWidth }),
        data,
        box.current
      )
    }
    make()
    const element = box.current
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }))
    observer.observe(element)
    // Colours come from the style sheet, which follows the theme.
    const theme = matchMedia('(prefers-color-scheme: dark)')
    theme.addEventListener('change', make)
    const themeObserver = new MutationObserver(make)
    themeObserver.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    return () => {
      observer.disconnect()
      theme.removeEventListener('change', make)
      themeObserver.disconnect()
      plot.current.destroy()
      plot.current = null
    }
  }, [seriesKey])
  useEffect(() => plot.current?.setData(data), [times.length, times.at(-1)])

  const now = series.map(({ name, values }) => `${name} ${format(values.at(-1) ?? 0)}`).join(', ')
  return html`<figure class="card plot">
    <figcaption>${title}<span class="visually-hidden">, now: ${now}</span></figcaption>
    <div ref=${box} aria-hidden="true"></div>
  </figure>`
}

function optionsFor({ series, format, minTop, width }) {
  const color = createPalette()
  const formatValue = value => (value === null || value === undefined ? '–' : format(value))
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
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(minTop, (high || 0) * 1.1)] } },
    axes: [
      { ...axis, space: 60, values: timesOfTicks },
      { ...axis, size: widthOfLabels, values: (_plot, ticks) => ticks.map(format) }
    ],
    series: [
      { label: 'at', value: (_plot, at) => (at === null ? 'now' : wholeSeconds(at * 1000)) },
      ...series.map(({ name, color: line }) => ({
        label: name,
        stroke: color(line),
        width: 1.5,
        points: { show: false },
        // Without a cursor, the legend shows the current value.
        value: (plot, value, index, at) => formatValue(at === null ? plot.data[index].at(-1) : value)
      }))
    ]
  }
}

const MIN_AXIS_WIDTH = 62
/** The space between the labels and the plot, in pixels. */
const LABEL_GAP = 10
const ruler = document.createElement('canvas').getContext('2d')

/** The width of the widest label, so that no label is cut. */
function widthOfLabels(_plot, labels) {
  ruler.font = FONT
  const width = Math.max(0, ...(labels ?? []).map(label => ruler.measureText(label).width))
  return Math.max(MIN_AXIS_WIDTH, Math.ceil(width) + LABEL_GAP)
}

/** Shows seconds only if ticks are less than a minute apart. */
function timesOfTicks(_plot, ticks) {
  const hasSeconds = ticks.length > 1 && ticks[1] - ticks[0] < 60
  return ticks.map(at => (hasSeconds ? wholeSeconds(at * 1000) : wholeMinutes(at * 1000)))
}

/**
 * A canvas needs computed colours. An element that has the colour as its style gives its value in the current theme.
 */
function createPalette() {
  const probe = document.createElement('i')
  probe.hidden = true
  document.body.append(probe)
  queueMicrotask(() => probe.remove())
  return name => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color
  }
}
