import { expect, test } from 'vitest'
import type { ContextId } from '../../../src/core/ids.ts'
import { AddressBook } from '../../../src/membership/address-book.ts'
import type { StateEntry } from '../../../src/membership/state-entry.ts'
import { entry } from './entry.ts'

function setup() {
  const told: [ContextId, readonly string[]][] = []
  const book = new AddressBook({ remember: (peer, addresses) => told.push([peer, addresses]) })
  return { book, told }
}

/** As `entry`, with the digest of a body of its own. */
const at = (context: ContextId, version: number, body: string, addresses: string[]): StateEntry => {
  const made = entry(context, version, { addresses })
  return { ...made, head: { ...made.head, body } }
}

test('addresses are told once for each body, not once a renewal', () => {
  const { book, told } = setup()
  book.note(at('a', 1, 'first', ['/a/1']))
  book.note(at('a', 2, 'first', ['/a/1']))
  expect(told).toEqual([['a', ['/a/1']]])
  book.note(at('a', 3, 'second', ['/a/2', '/a/3']))
  book.note(at('b', 1, 'second', ['/b/1']))
  expect(told.slice(1)).toEqual([
    ['a', ['/a/2', '/a/3']],
    ['b', ['/b/1']],
  ])
})

test('addresses of a member that went and comes back with the same body are told again', () => {
  const { book, told } = setup()
  book.note(at('a', 1, 'body', ['/a/1']))
  book.note(at('b', 1, 'body', ['/b/1']))
  book.forget(['a', 'never heard of'])
  book.note(at('a', 2, 'body', ['/a/1']))
  book.note(at('b', 2, 'body', ['/b/1']))
  expect(told.map(([peer]) => peer)).toEqual(['a', 'b', 'a'])
})
