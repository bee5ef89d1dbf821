/**
 * SIGHUP, from before all else is loaded: it means "read your files again" (or a terminal that is gone), and must never
 * end the server. Before there is somebody to do that, it is kept for them. In JavaScript for the reasons that start.js
 * has.
 */
let reload
let isAsked = false

process.on('SIGHUP', () => {
  if (reload === undefined) isAsked = true
  else reload()
})

/**
 * @param {() => void} handler called for each SIGHUP from now on, and once now if there were some before
 */
export function onHangUp(handler) {
  reload = handler
  if (isAsked) handler()
  isAsked = false
}
