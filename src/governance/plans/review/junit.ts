import type { CheckedEvent } from './check.ts'

/**
 * The result of a check as JUnit XML, with one test case for each event name, so that a CI shows which events are
 * wrong.
 */
export function junitReport(plan: string, events: Iterable<CheckedEvent>): string {
  const cases = [...events].map(testCase)
  const failures = cases.filter(({ isFailure }) => isFailure).length
  const counts = `tests="${cases.length}" failures="${failures}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `<testsuite name="${xmlText(`tracking plan ${plan}`)}" ${counts}>`,
    ...cases.map(({ xml }) => xml),
    '</testsuite>',
    '</testsuites>',
    ''
  ].join('\n')
}

function testCase({ name, events, faulty, violations }: CheckedEvent) {
  const start = `<testcase classname="tracking plan" name="${xmlText(name)}"`
  if (faulty === 0) return { isFailure: false, xml: `${start}/>` }
  const lines = [...violations].map(([what, { times, lines }]) => `${what} (${times} times, line ${lines.join(', ')})`)
  const message = `${faulty} of ${events} events do not fit the plan`
  return {
    isFailure: true,
    xml: `${start}><failure message="${xmlText(message)}">${xmlText(lines.join('\n'))}</failure></testcase>`
  }
}

/** Escapes a text for XML, also for attributes. Characters that XML 1.0 cannot contain become question marks. */
export function xmlText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\uFFFD\u{10000}-\u{10FFFF}]/gu, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
