/** Linters find nothing in openapi.yml. */
import { readFileSync } from 'node:fs'
import { createConfig, lint } from '@redocly/openapi-core'
import spectral from '@stoplight/spectral-core'
import rulesets from '@stoplight/spectral-rulesets'
import t from 'tap'
import { parse } from 'yaml'

const CONTRACT = new URL('../../openapi.yml', import.meta.url).pathname

t.test("Spectral's rules for OpenAPI find nothing in openapi.yml", async t => {
  const linter = new spectral.Spectral()
  linter.setRuleset(new spectral.Ruleset({ extends: [[rulesets.oas as never, 'recommended']] }))
  const problems = await linter.run(parse(readFileSync(CONTRACT, 'utf8')) as Record<string, unknown>)
  t.same(
    problems.map(({ code, message, path }) => ({ code, message, path: path.join('.') })),
    []
  )
})

t.test("Redocly's recommended rules find nothing in openapi.yml", async t => {
  const problems = await lint({ ref: CONTRACT, config: await createConfig({ extends: ['recommended'] }) })
  t.same(
    problems.map(({ ruleId, message, location }) => ({ ruleId, message, place: location[0]?.pointer })),
    []
  )
})
