/** Resolves when the present turn of the real event loop, with all its promises, is over. */
export function realTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Runs `run` as a microtask. For virtual clocks, whose microtasks are real ones. */
export function realTask(run: () => void): void {
  queueMicrotask(run)
}
