import type { Test } from 'tap'

/**
 * A folder that is deleted after all teardowns of the test. `t.testdir()` alone is deleted before the teardowns if it
 * was created before the first of them (tap 21); a server that still writes there then fails with ENOTEMPTY.
 *
 * @param content as for `t.testdir()`
 */
export function ownFolder(t: Test, content?: Parameters<Test['testdir']>[0]): string {
  t.teardown(() => undefined)
  return t.testdir(content)
}
