import { xmlText } from '../../governance/plans/review/junit.ts'

/** What a test reporter needs of one expectation. */
export interface JUnitCase {
  readonly name: string
  readonly seconds: number
  /** Why it failed; undefined where it did not. */
  readonly failure: string | undefined
}

/** One test case as a JUnit report, which CI servers read. */
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
