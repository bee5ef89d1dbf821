import { parse } from 'yaml'

/** A text as one YAML scalar: bare where YAML reads it back as the same text, in quotes elsewhere. */
export function yamlText(text: string): string {
  const bare = /^[A-Za-z0-9_](?:[A-Za-z0-9 _.-]*[A-Za-z0-9_.-])?$/.test(text) && parse(text) === text
  return bare ? text : JSON.stringify(text)
}
