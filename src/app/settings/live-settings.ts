import type { Config } from '../../config/env/config.ts'
import { followFiles, type FollowerOptions } from '../../config/env/followed-files.ts'
import { followCertificate, type CertificateWatch } from '../../http/server/certificate.ts'
import { kafkaOptions } from '../kafka-options.ts'
import { followSecret } from './kafka-security.ts'
import type { SinkOptions } from '../../durability/open.ts'

/** The settings that change while the server runs, because their values are in files. */
export interface LiveSettings {
  readonly kafka: SinkOptions['kafka']
  readonly adminPassword: (() => string) | undefined
  /** Uses the current certificate for these servers from now on. Does nothing without TLS. */
  follow(servers: readonly object[]): void
  /** Reads all files again now. */
  check(): void
  close(): void
}

/** Watches the files of secrets and certificates. */
export function followSettings(config: Config, log: FollowerOptions['log']): LiveSettings {
  const { follow, check, close } = followFiles({ files: config.files, log })
  const { adminPassword, kafka, tls } = config
  let certificate: CertificateWatch | undefined
  return {
    kafka: kafka && kafkaOptions(config, kafka, follow),
    adminPassword: adminPassword === undefined ? undefined : followSecret('ADMIN_PASSWORD', adminPassword, follow),
    follow(servers) {
      certificate = tls && followCertificate({ certificate: tls, servers, log })
    },
    check() {
      check()
      certificate?.check()
    },
    close() {
      close()
      certificate?.close()
    }
  }
}
