/**
 * Ms on the machine's own clock, which no correction of the time of day moves. The library takes time only by a port, so
 * that it runs in a simulation too; the factory measures real processes on a real machine, and here is where it looks.
 */
export const now = (): number => performance.now()
