/**
 * findings/: scripts that run other projects' software, which tests must not do. The tests check that each script is
 * listed, pinned and bounded.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const FOLDER = join(import.meta.dirname, '..', '..', 'findings')
const SHARED = 'support.sh'
const scripts = readdirSync(FOLDER).filter(name => name.endsWith('.sh') && name !== SHARED)
const textOf = (name: string): string => readFileSync(join(FOLDER, name), 'utf8')

t.test('findings/README.md lists every finding once, and no missing finding', async t => {
  const listed = [...textOf('README.md').matchAll(/^\| \[([^\]]+)\]\(([^)]+)\) \|/gm)].map(([, name = '', link]) => ({
    name,
    link
  }))
  t.same(listed.map(({ name }) => name).toSorted(), scripts.toSorted())
  for (const { name, link } of listed) t.equal(name, link)
})

t.test('every finding can be started, and is a valid script for sh', async t => {
  for (const name of scripts) {
    t.ok(statSync(join(FOLDER, name)).mode & 0o100, `${name} is executable`)
    t.doesNotThrow(() => execFileSync('sh', ['-n', join(FOLDER, name)]), name)
  }
  t.doesNotThrow(() => execFileSync('sh', ['-n', join(FOLDER, SHARED)]))
})

t.test(
  'every finding installs exact versions, names them and the day at its head, and says what it expects',
  async t => {
    for (const name of scripts) {
      const [head = '', body = ''] = textOf(name).split('. "$(dirname "$0")/support.sh"\n')
      t.match(head, /^#!\/bin\/sh\n(# .+\n)+$/, `${name} begins with a summary`)
      t.match(head, /seen 20\d\d-\d\d-\d\d\.\n$/, `${name} names the day of the finding`)
      const lines = [...body.matchAll(/^install(?:_python|_java)? ((?:.*\\\n)*.*)$/gm)]
      const shared = [...body.matchAll(/^(?:start|install)_(kafka|spark) (\S+)$/gm)].map(
        ([, what, version]) => `${what}@${version}`
      )
      const installed = [...lines.flatMap(([, list = '']) => list.split(/[\s\\]+/)), ...shared]
      t.ok(installed.length > 0, `${name} installs a package`)
      for (const wanted of installed) {
        const version = /(?:@|==)(\d+\.\d+\.\d+)$/.exec(wanted)?.[1]
        t.ok(version, `${name}: ${wanted} is an exact version`)
        if (!wanted.startsWith('esbuild@')) t.ok(head.includes(version ?? ''), `${name} names ${wanted} in its summary`)
      }
      t.match(
        body,
        /^measure(?:_python|_java)? <<'PROGRAM'\n[^]+\nexpect <<'SEEN'\n[^]+\nSEEN\n$/m,
        `${name} compares the measured with the expected output`
      )
    }
  }
)
