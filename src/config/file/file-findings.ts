import { originFault } from '../origin.ts'
import { topicTemplateFault } from '../topic-template.ts'
import { faulty, field, inside, isText, items, repeated, unknownSource } from './items.ts'
import { oauthFindings } from './oauth-findings.ts'
import type { Finding } from './yaml-source.ts'

/**
 * Checks what the schema cannot express. Values of a wrong type are skipped, because the schema's findings name them already,
 * and a file's mistakes are reported all at once.
 */
export function fileFindings(data: unknown): Finding[] {
  const sources = items(data, 'sources')
  const destinations = items(data, 'destinations')
  const ids = sources.map(({ value }) => field(value, 'id')).filter(isText)
  return [
    ...repeated(
      sources.map(item => inside(item, 'id')),
      first => `another source has this id (${first})`
    ),
    ...repeated(
      sources.flatMap(item => items(item.value, 'writeKeys', item.path)),
      first => `this write key stands twice in the file (also at ${first})`
    ),
    ...sources
      .flatMap(item => items(item.value, 'allowedOrigins', item.path))
      .flatMap(item => faulty(item, originFault)),
    ...repeated(
      destinations.map(item => inside(item, 'name')),
      first => `another destination has this name (${first})`
    ),
    ...destinations.map(item => inside(item, 'name')).flatMap(item => faulty(item, reservedName)),
    ...destinations.map(item => inside(item, 'topic')).flatMap(item => faulty(item, topicTemplateFault)),
    ...destinations.flatMap(item => items(item.value, 'sources', item.path)).flatMap(item => unknownSource(item, ids)),
    ...oauthFindings(data, ids)
  ]
}

function reservedName(name: string): string | undefined {
  return name === 'All' ? '"All" in `integrations` stands for every destination; take another name' : undefined
}
