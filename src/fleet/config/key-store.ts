import type { EditApproval, FileKeyStore } from '../../keys/store/file-key-store.ts'
import { readKeyEntry } from '../../keys/key-digest.ts'
import { createKeyIndex } from '../../keys/store/key-index.ts'
import { createPrivateKeys } from '../../keys/store/private-keys.ts'
import { groupBySource } from '../../keys/store/source-keys.ts'
import type { KeyedTributaryFile } from '../../model/tributary-file.ts'

/** The key store of the fleet's configuration, with the interface of that of a file. */
export interface FleetKeyStore extends FileKeyStore {
  /**
   * Offers the next configuration. It takes effect when it is approved; `onEffect` is then called.
   */
  offer(next: KeyedTributaryFile, onEffect: () => void): void
}

export interface FleetKeyStoreOptions {
  readonly first: KeyedTributaryFile
  readonly configState: FileKeyStore['configState']
  /** Called when the operator asks to read again (SIGHUP). */
  readonly onCheck: () => void
  /** Called when offers are accepted from now on. */
  readonly onFollow: () => void
  readonly close: () => Promise<void>
}

const AT_ONCE: EditApproval = { request: (_file, takeEffect) => takeEffect(), withdraw: () => undefined }

export function createFleetKeyStore(options: FleetKeyStoreOptions): FleetKeyStore {
  let current = options.first
  let index = createKeyIndex(current.writeKeys)
  let lengths = lengthsOf(current)
  let approval = AT_ONCE
  const privateKeys = createPrivateKeys()

  return {
    find(writeKey) {
      const owner = privateKeys.ownerOf(writeKey)
      return owner === undefined ? index(writeKey) : current.file.sources.find(({ id }) => id === owner)
    },
    privateKey: privateKeys.of,
    sources: () => current.file.sources,
    current: () => current.file,
    keyed: () => current,
    sourceKeys: () => groupBySource(current),
    configState: options.configState,
    keyLengths: () => lengths,
    offer(next, onEffect) {
      const nextIndex = createKeyIndex(next.writeKeys)
      // The version was replaced, so no earlier state of it may come into force.
      approval.withdraw()
      approval.request(next.file, () => {
        current = next
        index = nextIndex
        lengths = lengthsOf(next)
        onEffect()
      })
    },
    follow(asked = AT_ONCE) {
      approval = asked
      options.onFollow()
    },
    check: options.onCheck,
    async close() {
      approval.withdraw()
      await options.close()
    }
  }
}

function lengthsOf({ writeKeys }: KeyedTributaryFile): ReadonlySet<number> {
  return new Set([...writeKeys.keys()].map(entry => readKeyEntry(entry).length))
}
