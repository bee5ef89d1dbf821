/**
 * Handles SIGHUP before any other module is loaded. It means "read your files again" (or that the terminal was closed), and
 * must never end the server. Until a handler is set, a SIGHUP is remembered for it. This file is JavaScript for the reason
 * given in start.js.
 */
let reload
let isAsked = false

process.on('SIGHUP', () => {
  if (reload === undefined) isAsked = true
  else reload()
})

/**
 * @param {() => void} handler called for each SIGHUP from now on, and once now if a SIGHUP arrived before
 */
export function onHangUp(handler) {
  reload = handler
  if (isAsked) handler()
  isAsked = false
}
