import { parse } from 'yaml'

/** Writes a text as a YAML scalar: plain if YAML reads it back as the same text, otherwise quoted. */
export function yamlText(text: string): string {
  const bare = /^[A-Za-z0-9_](?:[A-Za-z0-9 _.-]*[A-Za-z0-9_.-])?$/.test(text) && parse(text) === text
  return bare ? text : JSON.stringify(text)
}
