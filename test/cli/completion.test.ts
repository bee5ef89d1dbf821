import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runCommand } from './running/setup.ts'

const script = async (shell: string): Promise<string> => (await runCommand('completion', [shell])).stdout

t.test('bash completes commands, the second words of commands, and the options of each', async t => {
  const file = join(t.testdir({}), 'completion.bash')
  writeFileSync(file, await script('bash'))
  const complete = (...words: string[]): string[] => {
    const set = `COMP_WORDS=(tributary ${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}`
    const program = `source ${file}; ${set}; _tributary; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['-c', program], { encoding: 'utf8' }).trim().split('\n')
  }
  t.strictSame(complete('exp').toSorted(), ['expect', 'export'])
  t.strictSame(complete('keys', 'r'), ['revoke', 'rotate'])
  t.strictSame(complete('tail', '--out'), ['--outcome'])
  t.strictSame(complete('keys', 'add', 'web', '--cr'), ['--create'])
  t.strictSame(complete('config', 'ch'), ['check'])
  t.strictSame(complete('config', '--j'), ['--json'])
})

t.test('the scripts for zsh and fish name every command and its options', async t => {
  t.match(await script('zsh'), /^#compdef tributary\nautoload .*bashcompinit/)
  const fish = await script('fish')
  t.match(
    fish,
    "complete -c tributary -n __fish_use_subcommand -a tail -d 'show events of a running server as they come'"
  )
  t.match(fish, /__fish_seen_subcommand_from keys; and __fish_seen_subcommand_from add' -l create/)
})

t.test('an unknown shell is refused, and the message suggests the closest name', async t => {
  const { code, stderr } = await runCommand('completion', ['bsh'])
  t.equal(code, 2)
  t.match(stderr, 'did you mean "bash"?')
})
