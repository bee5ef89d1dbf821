/** What is started: the server itself is run.ts. */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// Stripping types and compiling is more than a third of a start. What came of it lies beside the packages: whoever may
// write there can change the code itself. Where nobody may, each start does it anew.
enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'tributary'))
await import('./run.ts')
