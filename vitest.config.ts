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
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    pool: 'forks',
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['json'], reportOnFailure: true },
    reporters: ['default', './tooling/closing-line-reporter.ts'],
  },
})
