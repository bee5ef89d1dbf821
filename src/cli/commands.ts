import type { Command } from './command.ts'

/** A command that is loaded when it is called. */
export interface CommandEntry {
  readonly summary: string
  load(): Promise<Command>
}

/** Only the called command is loaded: `tributary keys list` needs no Kafka client. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  serve: { summary: 'run the server', load: async () => (await import('./serve.ts')).serve },
  init: { summary: 'make a config file with one source', load: async () => (await import('./config/init.ts')).init },
  'keys add': {
    summary: 'add a write key to a source',
    load: async () => (await import('./keys/keys-add.ts')).keysAdd
  },
  'keys list': {
    summary: 'list the write keys, masked',
    load: async () => (await import('./keys/keys-list.ts')).keysList
  },
  'keys revoke': {
    summary: 'take a write key away',
    load: async () => (await import('./keys/keys-revoke.ts')).keysRevoke
  },
  'keys rotate': {
    summary: "replace a source's write keys",
    load: async () => (await import('./keys/keys-rotate.ts')).keysRotate
  },
  'apps add': {
    summary: 'add an app that may ask for OAuth tokens',
    load: async () => (await import('./apps/apps-add.ts')).appsAdd
  },
  'apps list': {
    summary: 'list the apps and the ids of their keys',
    load: async () => (await import('./apps/apps-list.ts')).appsList
  },
  'apps rotate': {
    summary: 'add a second key to an app',
    load: async () => (await import('./apps/apps-rotate.ts')).appsRotate
  },
  'apps revoke': {
    summary: 'take an app or one of its keys away',
    load: async () => (await import('./apps/apps-revoke.ts')).appsRevoke
  },
  config: {
    summary: 'print the configuration in force, secrets hidden',
    load: async () => (await import('./config/config.ts')).config
  },
  'config check': {
    summary: 'check a config file',
    load: async () => (await import('./config/config-check.ts')).configCheck
  },
  'config push': {
    summary: "make a config file the fleet's next version",
    load: async () => (await import('./config/config-push.ts')).configPush
  },
  'config pull': {
    summary: "write the fleet's configuration to a file",
    load: async () => (await import('./config/config-pull.ts')).configPull
  },
  'config diff': {
    summary: 'compare a config file with the fleet',
    load: async () => (await import('./config/config-diff.ts')).configDiff
  },
  'config history': {
    summary: "list the versions of the fleet's configuration",
    load: async () => (await import('./config/config-history.ts')).configHistory
  },
  'rejected list': {
    summary: 'show refused events and why',
    load: async () => (await import('./rejected/rejected-list.ts')).rejectedList
  },
  'rejected show': {
    summary: 'show one refused event by its ID',
    load: async () => (await import('./rejected/rejected-show.ts')).rejectedShow
  },
  'rejected retry': {
    summary: 'change refused events and send them again',
    load: async () => (await import('./rejected/rejected-retry.ts')).rejectedRetry
  },
  tail: {
    summary: 'show events of a running server as they come',
    load: async () => (await import('./running/tail.ts')).tail
  },
  expect: {
    summary: 'wait for an event; exit code 1 if it does not arrive',
    load: async () => (await import('./running/expect.ts')).expect
  },
  top: {
    summary: 'show the traffic of a running server',
    load: async () => (await import('./running/top.ts')).top
  },
  send: { summary: 'send one event', load: async () => (await import('./running/send.ts')).send },
  trace: {
    summary: 'find an event by its messageId',
    load: async () => (await import('./running/trace.ts')).traceCommand
  },
  doctor: {
    summary: 'check the set-up and say what to change',
    load: async () => (await import('./doctor/doctor.ts')).doctor
  },
  audit: { summary: 'show who did what to the server', load: async () => (await import('./stored/audit.ts')).audit },
  'topics diff': {
    summary: 'compare the topics in Kafka with tributary.yml',
    load: async () => (await import('./topics/topics.ts')).topicsDiff
  },
  'topics apply': {
    summary: 'make the topics in Kafka as tributary.yml says',
    load: async () => (await import('./topics/topics.ts')).topicsApply
  },
  'spool status': {
    summary: 'say what waits for Kafka',
    load: async () => (await import('./stored/spool.ts')).spoolStatus
  },
  'spool drain': {
    summary: 'send what waits to Kafka, without listening',
    load: async () => (await import('./stored/spool.ts')).spoolDrain
  },
  'refused list': {
    summary: 'show what Kafka refused for good',
    load: async () => (await import('./stored/refused.ts')).refusedList
  },
  'refused retry': {
    summary: 'send what Kafka refused once more',
    load: async () => (await import('./stored/refused.ts')).refusedRetry
  },
  'privacy scan': {
    summary: 'list where events seem to contain personal data',
    load: async () => (await import('./stored/privacy-scan.ts')).privacyScan
  },
  'suppress add': {
    summary: 'keep no events of a user from now on',
    load: async () => (await import('./keys/suppress.ts')).suppressAdd
  },
  'suppress remove': {
    summary: 'keep the events of a user again',
    load: async () => (await import('./keys/suppress.ts')).suppressRemove
  },
  'suppress list': {
    summary: 'list the suppressed users, as digests',
    load: async () => (await import('./keys/suppress.ts')).suppressList
  },
  forget: {
    summary: 'erase what is stored about a user in the data folder',
    load: async () => (await import('./stored/forget.ts')).forget
  },
  'plan import': {
    summary: "make a tracking plan of another tool's",
    load: async () => (await import('./plan/import.ts')).planImport
  },
  'plan check': {
    summary: 'check events against a tracking plan',
    load: async () => (await import('./plan/check.ts')).planCheck
  },
  'plan infer': {
    summary: 'make a tracking plan of events that were sent',
    load: async () => (await import('./plan/infer.ts')).planInfer
  },
  'plan export': {
    summary: "write a tracking plan as the input of Segment's Typewriter",
    load: async () => (await import('./plan/export.ts')).planExport
  },
  'plan diff': {
    summary: 'say whether a changed plan breaks anything',
    load: async () => (await import('./plan/diff.ts')).planDiff
  },
  replay: {
    summary: 'publish what lies in the log to a topic',
    load: async () => (await import('./stored/replay.ts')).replay
  },
  export: {
    summary: 'write events as Parquet, CSV or NDJSON tables',
    load: async () => (await import('./export/export.ts')).exportCommand
  },
  completion: {
    summary: 'print the completion script of a shell',
    load: async () => (await import('./completion.ts')).completionOf(COMMANDS)
  }
}

/** First words of commands that are no command alone, such as `keys`. */
export const GROUPS: readonly string[] = [
  ...new Set(
    Object.keys(COMMANDS).flatMap(name => {
      const [group = '', second] = name.split(' ')
      return second === undefined || Object.hasOwn(COMMANDS, group) ? [] : [group]
    })
  )
]
