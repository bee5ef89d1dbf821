/** A disk that is nearly full is named by the place where it is mounted, and by what is left. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mountPointOf } from '../../../../src/durability/log/write/disk-space.ts'
import { describeSize } from '../../../../src/model/operations/disk-words.ts'
import { ownFolder } from '../../../support/own-folder.ts'

t.test('Folders on one disk have one place, so that one warning is said of them', async t => {
  const dir = ownFolder(t, { events: {}, 'worker-0': { rejected: {} } })
  const place = await mountPointOf(dir)
  t.ok(dir.startsWith(place))
  for (const folder of ['events', 'worker-0', join('worker-0', 'rejected')]) {
    t.equal(await mountPointOf(join(dir, folder)), place)
  }
  if (existsSync('/proc/self'))
    t.equal(await mountPointOf('/proc/self'), '/proc', 'another file system has its own mount point')
  await t.rejects(mountPointOf(join(dir, 'missing')), { code: 'ENOENT' })
})

t.test('A size that is small is not rounded to nothing', async t => {
  t.same([0, 23.9 * 1024 ** 2, 1024 ** 3 - 1, 1.5 * 1024 ** 3].map(describeSize), [
    '0 MiB',
    '23 MiB',
    '1023 MiB',
    '1.5 GiB'
  ])
})
