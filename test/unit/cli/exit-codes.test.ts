import { CommanderError } from 'commander'
import { expect, test } from 'vitest'
import { exitCodeHelp, exitCodeOf } from '../../../src/cli/exit-codes.ts'
import { AmcpError, type ErrorCode } from '../../../src/core/errors.ts'

const of = (code: ErrorCode): number => exitCodeOf(new AmcpError(code, 'a fault'), false)

test('each kind of fault has an exit code of its own', () => {
  expect(exitCodeOf(new CommanderError(0, 'commander.help', ''), false)).toBe(0)
  expect(exitCodeOf(new CommanderError(1, 'commander.unknownOption', ''), true)).toBe(2)
  expect([of('ERR_USAGE'), exitCodeOf(new TypeError('no number'), false), exitCodeOf('plain', false)]).toEqual([
    2, 2, 2,
  ])
  expect([of('ERR_CALL_FAILED'), of('ERR_TOPIC_INVALID'), of('ERR_EVENT_INVALID')]).toEqual([1, 1, 1])
  expect(of('ERR_CONTROL_UNAVAILABLE')).toBe(3)
  expect([of('ERR_FOLDER_IN_USE'), of('ERR_MEMBERSHIP_EXPIRED'), of('ERR_STORE_UNREADABLE')]).toEqual([4, 4, 4])
  expect([of('ERR_CAPABILITY_UNKNOWN'), of('ERR_CALL_DEADLINE'), of('ERR_CALL_TARGET_LOST')]).toEqual([5, 5, 5])
  expect(exitCodeOf(new AmcpError('ERR_CALL_DEADLINE', 'too late'), true)).toBe(130)
})

test('the help has them all', () => {
  for (const code of [0, 1, 2, 3, 4, 5, 130]) expect(exitCodeHelp).toMatch(new RegExp(`\\b${code} `))
})
