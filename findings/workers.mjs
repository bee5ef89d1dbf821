// A worker in workerd, by miniflare. Needs the packages miniflare and esbuild beside it.

/** Bundles a module worker and starts it; `compatibilityFlags` as in wrangler's file, `bindings` are its `env`. */
export async function startWorker(contents, { compatibilityFlags = [], bindings = {} } = {}) {
  const { build } = await import('esbuild')
  const { Miniflare } = await import('miniflare')
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    write: false,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['browser', 'module', 'main'],
    external: ['node:*'],
    logLevel: 'error'
  })
  const script = outputFiles[0].text
  return new Miniflare({ modules: true, script, compatibilityDate: '2026-04-01', compatibilityFlags, bindings })
}

/** Sends `count` requests one after the other, `pauseMs` apart; the texts of the answers. */
export async function visit(worker, count = 1, pauseMs = 50) {
  const texts = []
  for (let i = 0; i < count; i++) {
    const answer = await worker.dispatchFetch('http://worker.example/')
    texts.push(await answer.text())
    await new Promise(resolve => setTimeout(resolve, pauseMs))
  }
  return texts
}
