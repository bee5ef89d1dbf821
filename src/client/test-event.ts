import type { EventType } from '../model/event-types.ts'

/** A small, valid event of the given type, whose content says that it is a test. */
export function testEvent(type: EventType, messageId: string): { readonly messageId: string } {
  const common = {
    messageId,
    timestamp: new Date().toISOString(),
    context: { library: { name: 'tributary-test', version: '1' } }
  }
  const own: Record<EventType, object> = {
    track: { userId: 'test-user', event: 'Test Event', properties: { sentFrom: 'tributary' } },
    identify: { userId: 'test-user', traits: { email: 'test-user@example.com' } },
    page: { userId: 'test-user', name: 'Test Page', properties: { url: 'https://example.com/test' } },
    screen: { userId: 'test-user', name: 'Test Screen' },
    group: { userId: 'test-user', groupId: 'test-group', traits: { name: 'Test Group' } },
    alias: { userId: 'test-user', previousId: 'test-anonymous' }
  }
  return { ...own[type], ...common }
}
