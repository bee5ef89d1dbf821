import type { Test } from 'tap'

/**
 * A folder of the test's own, which is deleted after all of its teardowns. `t.testdir()` alone is deleted before the teardowns
 * when it was made before the first of them (tap 21): under a server that still writes there, which fails with ENOTEMPTY.
 *
 * @param content as for `t.testdir()`
 */
export function ownFolder(t: Test, content?: Parameters<Test['testdir']>[0]): string {
  t.teardown(() => undefined)
  return t.testdir(content)
}
