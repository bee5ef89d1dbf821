import type { VariableName } from './env/variables.ts'

/** Sets an environment variable, for a command-line option with the same meaning. */
export function setVariable(name: VariableName, text: string): void {
  process.env[name] = text
}
