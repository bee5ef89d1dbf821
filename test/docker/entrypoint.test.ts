/** The image names the problem if the mounted folder cannot be written. */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../cli/run.ts'

const SCRIPT = readFileSync(new URL('../../docker/entrypoint.sh', import.meta.url), 'utf8')
const NOBODY = 65534
const IS_ROOT = process.getuid?.() === 0

t.test('If a mounted folder belongs to another user, the message names both users and what to do', async t => {
  // Outside the checkout, because other users may not have access to it.
  const dir = mkdtempSync(join(tmpdir(), 'tributary-mount-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  chmodSync(dir, 0o555)
  const asNobody = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', 'sh', '-c', SCRIPT]
  const env = { DATA_DIR: dir, CONFIG_FILE: join(dir, 'tributary.yml') }
  const { code, stdout, stderr } = IS_ROOT
    ? await run('setpriv', asNobody, { cwd: '/', env })
    : await run('sh', ['-c', SCRIPT], { cwd: '/', env })
  t.strictSame([code, stdout], [1, ''])
  if (IS_ROOT) {
    t.match(stderr, `${dir} belongs to 0:0, and ${NOBODY}:${NOBODY}, who runs the server, cannot write there`)
    t.match(stderr, 'docker run --user 0:0')
    t.match(stderr, `chown -R ${NOBODY}:${NOBODY} FOLDER`)
  } else t.match(stderr, `${dir} cannot be written: it is mounted read-only, or its mode forbids it`)
})
