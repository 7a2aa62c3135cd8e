import { registerHooks } from 'node:module'

/** Preloaded into examples that run as processes: they get the package's sources, not what was built last. */
const sources: Readonly<Record<string, string>> = {
  'amcp-mesh': 'index.ts',
  'amcp-mesh/control': 'cli/serve-context.ts',
  'amcp-mesh/folder': 'identity/context-folder.ts',
}

registerHooks({
  resolve: (specifier, context, next) => {
    const source = sources[specifier]
    return next(source === undefined ? specifier : new URL(`../../src/${source}`, import.meta.url).href, context)
  },
})
