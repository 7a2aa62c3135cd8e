import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../../src/core/seeded-random.ts'
import { TopicMesh } from '../../../../src/network/simulated/topic-mesh.ts'

describe('the mesh of a topic', () => {
  const peers = Array.from({ length: 20 }, (_, at) => `peer ${at}`)

  test('grafts up to 6 and is mended below 4', () => {
    const mesh = new TopicMesh()
    const grafted = mesh.graft(peers, new SeededRandom(1), 0)
    expect(grafted.length).toBe(6)
    expect([...mesh.members]).toEqual(grafted)
    for (const peer of grafted.slice(0, 2)) mesh.forget(peer)
    expect(mesh.graft(peers, new SeededRandom(1), 0)).toEqual([])
    mesh.forget(grafted[2]!)
    expect(mesh.graft(peers, new SeededRandom(1), 0).length).toBe(3)
    expect(mesh.members.size).toBe(6)
  })

  test('leaves a peer that pruned alone for a minute', () => {
    const mesh = new TopicMesh()
    mesh.members.add('a')
    mesh.backOff('a', 0)
    expect(mesh.graft(['a'], new SeededRandom(1), 59_999)).toEqual([])
    expect(mesh.graft(['a'], new SeededRandom(1), 60_000)).toEqual(['a'])
  })

  test('is full at 12', () => {
    const mesh = new TopicMesh()
    for (const peer of peers.slice(0, 11)) mesh.members.add(peer)
    expect(mesh.isFull).toBe(false)
    mesh.members.add('one more')
    expect(mesh.isFull).toBe(true)
  })
})
