/** The list of keys. `?` and the button in the header open it. */
import { html, useEffect, useRef, useState } from '../lib.js'

const KEYS = {
  'Every page': [
    [['?'], 'open this sheet'],
    [['/'], 'find a messageId'],
    [['Escape'], 'close what is open']
  ],
  Live: [
    [['p'], 'pause, and go on'],
    [['f'], 'follow the newest event'],
    [['↓', '↑'], 'the next and the previous event'],
    [['Page Down', 'Page Up'], 'a page of events down and up'],
    [['Home', 'End'], 'the newest and the oldest event']
  ]
}

export function KeySheet() {
  const sheet = useRef(null)
  const [isOpen, setOpen] = useState(false)
  const open = () => {
    setOpen(true)
    if (!sheet.current.open) sheet.current.showModal()
  }
  useEffect(() => {
    const onKey = event => {
      const { key, ctrlKey, altKey, metaKey, target } = event
      if (key !== '?' || ctrlKey || altKey || metaKey || target.closest('input, select, textarea')) return
      event.preventDefault()
      open()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
  // A click outside the sheet has the dialog itself as its target.
  const onClick = event => event.target === sheet.current && sheet.current.close()
  return html`<button
      class="small"
      type="button"
      aria-label="Keys"
      aria-haspopup="dialog"
      title="Keys: ?"
      onClick=${open}
    >
      ?
    </button>
    <dialog class="sheet" ref=${sheet} aria-label="Keys" onClick=${onClick} onClose=${() => setOpen(false)}>
      ${isOpen && html`<${Keys} />`}
    </dialog>`
}

function Keys() {
  return html`<div>
    <h2>Keys</h2>
    ${Object.entries(KEYS).map(
      ([where, keys]) =>
        html`<h3>${where}</h3>
          <table>
            <tbody>
              ${keys.map(
                ([names, action]) =>
                  html`<tr>
                    <th scope="row">${names.map(name => html`<kbd>${name}</kbd> `)}</th>
                    <td>${action}</td>
                  </tr>`
              )}
            </tbody>
          </table>`
    )}
    <form method="dialog"><button>Close</button></form>
  </div>`
}
