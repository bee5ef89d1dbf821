import { xmlText } from '../../governance/plans/review/junit.ts'

/** The result of one expectation, for a test report. */
export interface JUnitCase {
  readonly name: string
  readonly seconds: number
  /** The reason of the failure; undefined if it passed. */
  readonly failure: string | undefined
}

/** A JUnit report with one test case, for CI servers. */
export function junitReport({ name, seconds, failure }: JUnitCase): string {
  const time = seconds.toFixed(3)
  const inner = failure === undefined ? '' : `<failure message="${xmlText(failure)}"/>`
  const failures = failure === undefined ? 0 : 1
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="tributary expect" tests="1" failures="${failures}" errors="0" time="${time}">
    <testcase classname="tributary" name="${xmlText(name)}" time="${time}">${inner}</testcase>
  </testsuite>
</testsuites>
`
}
