import type { VariableName } from './env/variables.ts'

/** Sets a variable as if the operator had: for an option of the command line that means the same. */
export function setVariable(name: VariableName, text: string): void {
  process.env[name] = text
}
