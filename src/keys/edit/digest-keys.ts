import { isScalar, isSeq, parseDocument, visit } from 'yaml'
import { toDigestEntry } from '../key-digest.ts'
import { maskWriteKey } from '../write-key.ts'
import { yamlText } from './yaml-text.ts'

/** A generated key, which may be in a comment. */
const GENERATED_KEY = /wk_[0-9A-Za-z]{32}/g

/**
 * Replaces every key in the text of a valid tributary.yml by its digest, and masks generated keys in comments. The rest of the
 * text is unchanged.
 */
export function digestKeys(text: string): string {
  const places: { readonly start: number; readonly end: number; readonly key: string }[] = []
  const document = parseDocument(text, { logLevel: 'silent' })
  visit(document, {
    Pair(_key, { key, value }) {
      if (!isScalar(key) || key.value !== 'writeKeys') return
      const list = isSeq(value) ? value : undefined
      for (const item of list?.items ?? []) {
        if (!isScalar(item) || typeof item.value !== 'string' || !item.range) continue
        places.push({ start: item.range[0], end: item.range[1], key: item.value })
      }
    }
  })
  let result = text
  for (const { start, end, key } of places.toSorted((a, b) => b.start - a.start)) {
    const entry = toDigestEntry(key)
    if (entry !== key) result = result.slice(0, start) + yamlText(entry) + result.slice(end)
  }
  return result.replaceAll(GENERATED_KEY, maskWriteKey)
}
