/** The page's libraries in one place. html`...` makes elements, and turns every value in it into text. */
import htm from './vendor/htm.js'
import { h } from './vendor/preact.js'

export { render } from './vendor/preact.js'
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from './vendor/preact-hooks.js'

export const html = htm.bind(h)
