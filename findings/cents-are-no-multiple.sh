#!/bin/sh
# {"multipleOf": 0.01}, the usual schema of a price, is not the same for all validators: ajv and Python's jsonschema divide
# doubles, and refuse one price of cents in seven; @cfworker/json-schema, fastjsonschema and jsonschema-rs take them all.
# ajv 8.20.0, @cfworker/json-schema 4.1.6, jsonschema 4.26.0, fastjsonschema 2.22.3, jsonschema-rs 0.60.3, seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install ajv@8.20.0 @cfworker/json-schema@4.1.6
install_python jsonschema==4.26.0 fastjsonschema==2.22.3 jsonschema-rs==0.60.3
measure <<'PROGRAM'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { Validator } from '@cfworker/json-schema'
import { Ajv } from 'ajv'

const schema = { $schema: 'http://json-schema.org/draft-07/schema#', type: 'number', multipleOf: 0.01 }
const prices = Array.from({ length: 10_000 }, (_, cents) => Number(`${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`))
const tell = (name, refused) => console.log(`${name}: ${refused.length} of ${prices.length} prices refused`, ...refused.slice(0, 4))

const ajv = new Ajv().compile(schema)
tell('ajv', prices.filter(price => !ajv(price)))
const worker = new Validator(schema, '7')
tell('@cfworker/json-schema', prices.filter(price => !worker.validate(price).valid))

writeFileSync('prices.json', JSON.stringify({ schema, prices }))
const PYTHON = `
import json, fastjsonschema, jsonschema, jsonschema_rs
given = json.load(open('prices.json'))
schema, prices = given['schema'], given['prices']
fast = fastjsonschema.compile(schema)
def is_valid(price):
    try:
        fast(price)
        return True
    except fastjsonschema.JsonSchemaValueException:
        return False
plain, rust = jsonschema.Draft7Validator(schema), jsonschema_rs.validator_for(schema)
print(json.dumps([[p for p in prices if not f(p)] for f in (plain.is_valid, is_valid, rust.is_valid)]))
`
const refused = JSON.parse(execFileSync('python/bin/python', ['-c', PYTHON], { maxBuffer: 1e8 }))
for (const [i, name] of ['jsonschema', 'fastjsonschema', 'jsonschema-rs'].entries()) tell(name, refused[i])
PROGRAM
expect <<'SEEN'
ajv: 1363 of 10000 prices refused 0.07 0.14 0.28 0.29
@cfworker/json-schema: 0 of 10000 prices refused
jsonschema: 1363 of 10000 prices refused 0.07 0.14 0.28 0.29
fastjsonschema: 0 of 10000 prices refused
jsonschema-rs: 0 of 10000 prices refused
SEEN
