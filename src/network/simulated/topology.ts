/** Who may link to whom, by the order in which contexts joined the swarm. */
export type Topology = 'full' | 'line' | 'ring' | ((one: number, other: number) => boolean)

/** @param count of contexts in the swarm, by which a ring is closed */
export function mayLink(topology: Topology, one: number, other: number, count: number): boolean {
  if (topology === 'full') return true
  if (typeof topology === 'function') return topology(one, other)
  const distance = Math.abs(one - other)
  return distance === 1 || (topology === 'ring' && distance === count - 1)
}
