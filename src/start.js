/**
 * The entry point; the server itself is main.ts. This file is JavaScript because the compile cache is not yet enabled when
 * it is read: to strip its types, Node would load its compiler, 16 MB that nothing needs afterwards.
 */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import './app/hang-up.js'
import './app/keep-ticks.js'

// Stripping types and compiling takes more than a third of a start. The cache is in node_modules, because anyone who can
// write there can change the code anyway. If the folder cannot be written, each start compiles again.
enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'tributary'))
await import('./main.ts')
