/** What senders wrote must not steer the reader's terminal: control characters become question marks. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/g, '?')
}
