/** Replaces control characters by question marks, so that text from clients cannot control the user's terminal. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/g, '?')
}
