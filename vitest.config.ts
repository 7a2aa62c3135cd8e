import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: {
    alias: [
      { find: /^amcp-mesh$/, replacement: new URL('./src/index.ts', import.meta.url).pathname },
      { find: /^amcp-mesh\/(testing|sim)$/, replacement: new URL('./src/$1/index.ts', import.meta.url).pathname },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Ends what hangs; nothing is asserted by it, so it is far above what a busy machine takes to start a few processes.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    pool: 'forks',
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['json'], reportOnFailure: true },
    reporters: ['default', './tooling/closing-line-reporter.ts'],
  },
})
