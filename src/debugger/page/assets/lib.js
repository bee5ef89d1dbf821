/** The page's libraries under one roof: html`...` makes elements, and whatever it is given becomes text. */
import htm from './vendor/htm.js'
import { h } from './vendor/preact.js'

export { render } from './vendor/preact.js'
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from './vendor/preact-hooks.js'

export const html = htm.bind(h)
