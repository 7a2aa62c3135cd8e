import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { now } from './clock.ts'

/** Keeps one processor busy in this very process for a while: a load of known start, length and place. */
export async function runLoad(milliseconds: number): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: milliseconds })
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', reject)
  })
  await worker.terminate()
}

if (!isMainThread) {
  const end = now() + Number(workerData)
  let sum = 0
  while (now() < end) sum += Math.sqrt(sum + 1)
  parentPort?.postMessage(sum)
}
