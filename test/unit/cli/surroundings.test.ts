import { expect, test } from 'vitest'
import { inFolder } from '../../../src/cli/surroundings.ts'

test('a next command names its folder, unless it is the one that every command looks into', () => {
  expect(['.amcp', 'b'].map((folder) => inFolder({ folder, json: false }))).toEqual(['', ' -f b'])
})
