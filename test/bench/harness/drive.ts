import { setTimeout as later, setImmediate as turn } from 'node:timers/promises'
import { percentile } from './pairs.ts'
import { sharedMicros } from './workload.ts'

/** Publishes as fast as `room()` lets it for `seconds`. */
export async function burst(
  seconds: number,
  batch: number,
  publish: () => undefined | void | Promise<void>,
  room: () => Promise<void> = async () => {},
): Promise<void> {
  const end = performance.now() + seconds * 1_000
  while (performance.now() < end) {
    for (let index = 0; index < batch; index += 1) {
      const pending = publish()
      if (pending !== undefined) await pending
    }
    await room()
    await turn()
  }
}

/** Publishes at `rate` events a second for `seconds`, each stamped with the instant it was handed over. */
export async function paced(rate: number, seconds: number, publish: (sentAt: number) => unknown): Promise<number> {
  const start = performance.now()
  let sent = 0
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsed = performance.now() - start
      for (const due = Math.floor((elapsed / 1_000) * rate); sent < due; sent += 1) publish(sharedMicros())
      if (elapsed >= seconds * 1_000) {
        clearInterval(timer)
        resolve()
      }
    }, 1)
  })
  return sent
}

/** Publishes `rate` events a second for `seconds`, and waits where publishing asks to: what stalls is caught up with. */
export async function steady(rate: number, seconds: number, publish: () => void | Promise<void>): Promise<number> {
  const start = performance.now()
  let sent = 0
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - start) {
    for (const due = Math.floor((elapsed / 1_000) * rate); sent < due; sent += 1) {
      const pending = publish()
      if (pending !== undefined) await pending
    }
    await later(1)
  }
  return sent
}

export interface CallFigures {
  perSecond: number
  /** Milliseconds. */
  p50: number
  p99: number
}

/** Keeps `inFlight` calls under way for `seconds`. */
export async function callMany(
  inFlight: number,
  seconds: number,
  call: (index: number) => Promise<number>,
): Promise<CallFigures> {
  const micros: number[] = []
  const start = performance.now()
  const end = start + seconds * 1_000
  let index = 0
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      const mine = index++
      const began = sharedMicros()
      if ((await call(mine)) !== mine) throw new Error(`call ${mine} was answered with another's reply`)
      micros.push(sharedMicros() - began)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  const elapsed = (performance.now() - start) / 1_000
  micros.sort((a, b) => a - b)
  return {
    perSecond: micros.length / elapsed,
    p50: percentile(micros, 0.5) / 1_000,
    p99: percentile(micros, 0.99) / 1_000,
  }
}
