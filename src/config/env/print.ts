import type { Config } from './config.ts'
import type { Variable } from './variable.ts'
import type { VariableName } from './variables.ts'
import { VARIABLE_NAMES, VARIABLES } from './variables.ts'

/** The configuration in force as lines of NAME=value. Defaults are marked, and secrets are hidden. */
export function printConfig(config: Config): string {
  const lines = config.effective.map(({ name, value, isDefault }) => {
    const pair = `${name}=${value ?? ''}`
    if (!isDefault) return pair
    return `${pair.padEnd(40)} # default${value === undefined ? `: ${defaultOf(name)}` : ''}`
  })
  return lines.join('\n')
}

/** The README's table of variables, in Markdown. */
export function configTable(): string {
  const rows = VARIABLE_NAMES.map(name => `| \`${name}\` | ${defaultOf(name)} | ${VARIABLES[name].doc} |`)
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n')
}

function defaultOf(name: VariableName): string {
  const { default: typed, strictDefault, defaultDoc }: Variable<unknown> = VARIABLES[name]
  if (defaultDoc !== undefined) return defaultDoc
  return strictDefault === undefined ? `\`${typed}\`` : `\`${typed}\`, strict: \`${strictDefault}\``
}
