import { originFault } from '../origin.ts'
import { topicTemplateFault } from '../topic-template.ts'
import { findingsOf, memberOf, memberItem, isText, listItems, findRepeated, unknownSource } from './items.ts'
import { oauthFindings } from './oauth-findings.ts'
import type { Finding } from './yaml-source.ts'

/**
 * Checks what the schema cannot express. Values of a wrong type are skipped, because the schema's findings name them already,
 * and a file's mistakes are reported all at once.
 */
export function fileFindings(data: unknown): Finding[] {
  const sources = listItems(data, 'sources')
  const destinations = listItems(data, 'destinations')
  const ids = sources.map(({ value }) => memberOf(value, 'id')).filter(isText)
  return [
    ...findRepeated(
      sources.map(item => memberItem(item, 'id')),
      first => `another source has this id (${first})`
    ),
    ...findRepeated(
      sources.flatMap(item => listItems(item.value, 'writeKeys', item.path)),
      first => `this write key is in the file twice (also at ${first})`
    ),
    ...sources
      .flatMap(item => listItems(item.value, 'allowedOrigins', item.path))
      .flatMap(item => findingsOf(item, originFault)),
    ...findRepeated(
      destinations.map(item => memberItem(item, 'name')),
      first => `another destination has this name (${first})`
    ),
    ...destinations.map(item => memberItem(item, 'name')).flatMap(item => findingsOf(item, reservedName)),
    ...destinations.map(item => memberItem(item, 'topic')).flatMap(item => findingsOf(item, topicTemplateFault)),
    ...destinations
      .flatMap(item => listItems(item.value, 'sources', item.path))
      .flatMap(item => unknownSource(item, ids)),
    ...oauthFindings(data, ids)
  ]
}

function reservedName(name: string): string | undefined {
  return name === 'All' ? '"All" in `integrations` stands for every destination; take another name' : undefined
}
